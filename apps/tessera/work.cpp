// SPDX-License-Identifier: Apache-2.0
#include "work.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "codec/io/output_target.hpp"
#include "comm/mpi.hpp"

namespace tessera::cli {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& file) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(file, ignored));
}

bool is_folder(const std::string& file) {
  std::error_code ignored;
  return fs::is_directory(file, ignored);
}

void check_no_terminal(const std::string& device, const std::string& name) {
  struct stat status {};
  if (stat(device.c_str(), &status) != 0 || !S_ISCHR(status.st_mode)) {
    return;
  }
  const int descriptor = open(device.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  const bool terminal = descriptor >= 0 && isatty(descriptor) == 1;
  if (descriptor >= 0) {
    close(descriptor);
  }
  if (terminal) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is a terminal: name a file.", name));
  }
}

std::vector<std::string> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> names;
  if (glob(pattern.c_str(), GLOB_TILDE, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      if (!is_folder(found.gl_pathv[i])) {
        names.emplace_back(found.gl_pathv[i]);
      }
    }
  }
  globfree(&found);
  return names;
}

}  // namespace

std::vector<std::string> expand_inputs(const std::vector<std::string>& typed) {
  std::vector<std::string> inputs;
  bool stdin_named = false;
  for (const std::string& name : typed) {
    if (is_standard_input(name)) {
      if (stdin_named) {
        throw Error(ErrorCode::usage, "Standard input ('-') can be read only once.");
      }
      stdin_named = true;
      if (isatty(STDIN_FILENO) == 1) {
        throw Error(ErrorCode::usage, "Standard input is a terminal: redirect an image into it.");
      }
      inputs.emplace_back("-");
    } else if (is_folder(name)) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' is a folder: name the images in it, for example '{}/*.jpg'.", name, name));
    } else if (exists(name)) {
      inputs.push_back(name);
    } else if (name.find_first_of("*?[") != std::string::npos) {
      const auto found = matches(name);
      if (found.empty()) {
        throw Error(ErrorCode::not_found, fmt::format("No file matches '{}'.", name));
      }
      inputs.insert(inputs.end(), found.begin(), found.end());
    } else {
      inputs.push_back(name);  // opening it will say what is wrong, and the others go on
    }
  }
  return inputs;
}

InputFiles::InputFiles(const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    struct stat status {};
    const int failed = input == "-" ? fstat(STDIN_FILENO, &status) : stat(input.c_str(), &status);
    // Only a file can be lost by being written while it is read.
    if (failed == 0 && S_ISREG(status.st_mode)) {
      files_.emplace(status.st_dev, status.st_ino);
    }
  }
}

bool InputFiles::contains(const std::string& file) const {
  struct stat status {};
  return stat(file.c_str(), &status) == 0 && files_.contains({status.st_dev, status.st_ino});
}

std::string output_name(const std::string& typed) {
  return !typed.empty() && is_standard_output(typed) ? "-" : typed;
}

bool is_stream_output(const std::string& file) {
  return is_standard_output(file) || find_output_target(file).kind == OutputKind::stream;
}

void check_writable(const std::string& file, bool replace, const InputFiles& inputs) {
  if (file == "-") {
    return;
  }
  const OutputTarget target = find_output_target(file);
  if (target.kind == OutputKind::none) {
    return;
  }
  if (target.kind == OutputKind::folder) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is a folder: name a file in it.", file));
  }
  if (inputs.contains(target.path.string())) {
    throw Error(
        ErrorCode::usage,
        fmt::format("'{}' is an input: write the result to another file, so that a failure cannot cost the "
                    "original.",
                    file));
  }
  if (target.kind == OutputKind::stream) {
    check_no_terminal(target.path.string(), file);
    return;
  }
  if (!replace) {
    throw Error(ErrorCode::usage, fmt::format("'{}' exists: use --force to replace it.", file));
  }
}

std::string name_beside(const std::string& input, const std::string& folder, const std::string& extension) {
  const std::string stem = input == "-" ? "stdin" : fs::path(input).stem().string();
  return (fs::path(folder) / (stem + "." + extension)).string();
}

std::vector<WorkItem> plan_work(const std::vector<std::string>& inputs, const OutputRules& rules) {
  std::vector<WorkItem> work;
  const bool folder = rules.output.ends_with('/') || is_folder(rules.output);
  if (rules.output.empty()) {
    for (const std::string& input : inputs) {
      work.push_back({input, ""});
    }
    return work;
  }
  if (!folder && inputs.size() > 1) {
    throw Error(
        ErrorCode::usage,
        rules.output == "-"
            ? fmt::format("{} images cannot all go to standard output: give a folder to -o.", inputs.size())
            : fmt::format("{} images need a folder for their results: write '-o {}/'.", inputs.size(),
                          rules.output));
  }
  if (!folder) {
    work.push_back({inputs.front(), rules.output});
  }
  std::set<std::string> outputs;
  for (std::size_t i = 0; folder && i < inputs.size(); ++i) {
    work.push_back({inputs[i], name_beside(inputs[i], rules.output, rules.extension(inputs[i]))});
    if (!outputs.insert(work.back().output).second) {
      throw Error(ErrorCode::usage, fmt::format("Two inputs would both be written to '{}': process them into "
                                                "different folders.",
                                                work.back().output));
    }
  }
  const InputFiles read(inputs);
  for (const WorkItem& item : work) {
    check_writable(item.output, rules.replace, read);
  }
  // mpirun gives its ranks a terminal of its own; the command that started it has looked at the real one.
  if (rules.output == "-" && !started_by_mpi() && isatty(STDOUT_FILENO) == 1) {
    throw Error(ErrorCode::usage, "Standard output is a terminal: redirect it to a file or a program.");
  }
  if (folder) {
    std::error_code failure;
    fs::create_directories(rules.output, failure);
    if (failure) {
      throw Error(ErrorCode::io,
                  fmt::format("Cannot make the folder '{}': {}.", rules.output, failure.message()));
    }
  }
  return work;
}

}  // namespace tessera::cli
