// SPDX-License-Identifier: Apache-2.0
#include "outputs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "codec/folder/target.hpp"
#include "codec/io/objects.hpp"
#include "codec/io/output_target.hpp"
#include "comm/mpi.hpp"

namespace tessera::cli {
namespace {

namespace fs = std::filesystem;

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

void check_object_writable(const std::string& url, bool replace) {
  if (objects_module().exists(url) && !replace) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' exists: use --force to replace it.", objects_module().shown(url)));
  }
}

constexpr std::array<std::string_view, 4> placeholders{"{stem}", "{ext}", "{name}", "{folder}"};

bool is_template(const std::string& output) {
  return std::ranges::any_of(placeholders, [&](std::string_view placeholder) {
    return output.find(placeholder) != std::string::npos;
  });
}

/// The format of a result that is a folder of tiles.
std::optional<FileFormat> folder_format(const std::string& output, const OutputRules& rules) {
  const auto format = rules.format ? rules.format
                                   : format_from_extension(fs::path(object_path(output)).extension().string(),
                                                           FormatKinds::files_and_folders);
  return format && format_info(*format).folder ? format : std::nullopt;
}

/// Whether the output is where results go, rather than a result, which may be a folder itself.
bool goes_to_folder(const OutputRules& rules) {
  const auto format = folder_format(rules.output, rules);
  const bool result = format && format_from_extension(fs::path(rules.output).extension().string(),
                                                      FormatKinds::files_and_folders) == format;
  return rules.folder || object_path(rules.output).ends_with('/') || (is_folder(rules.output) && !result);
}

bool is_below(const fs::path& file, const fs::path& folder) {
  std::error_code ignored;
  const fs::path relative = fs::relative(file, folder, ignored);
  return !relative.empty() && *relative.begin() != "..";
}

void check_tiles_writable(const std::string& output, FileFormat format, bool replace,
                          const std::vector<std::string>& inputs) {
  const TileFolderTarget target = tile_folder_target(output, format, output);
  if (!holds_older_result(target, format)) {
    return;
  }
  for (const std::string& input : inputs) {
    for (const AtomicFolder::Entry& entry : target.entries) {
      if (input != "-" && !is_object_url(input) && is_below(input, target.parent / entry.name)) {
        throw Error(
            ErrorCode::usage,
            fmt::format("'{}' lies in '{}', which the result would replace: write it elsewhere, so that a "
                        "failure cannot cost the original.",
                        input, output));
      }
    }
  }
  if (!replace) {
    throw Error(ErrorCode::usage, fmt::format("'{}' exists: use --force to replace it.", output));
  }
}

std::string stem_of(const std::string& input) {
  return input == "-" ? "stdin" : fs::path(object_path(input)).stem().string();
}

/// Without "." and "..", as far as that does not touch a URL's scheme.
std::string tidy(const std::string& name) {
  const std::size_t path = is_object_url(name) ? name.find("://") + 3 : 0;
  return name.substr(0, path) + fs::path(name.substr(path)).lexically_normal().string();
}

std::string from_template(const InputName& input, const OutputRules& rules) {
  const std::string extension = rules.extension(input.file);
  const std::string stem = stem_of(input.file) + rules.suffix;
  std::string name;
  for (std::size_t at = 0; at < rules.output.size();) {
    const std::size_t end = rules.output[at] == '{' ? rules.output.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      name += rules.output[at++];
      continue;
    }
    const std::string placeholder = rules.output.substr(at, end + 1 - at);
    if (placeholder == "{stem}") {
      name += stem;
    } else if (placeholder == "{ext}") {
      name += extension;
    } else if (placeholder == "{name}") {
      name += stem + "." + extension;
    } else if (placeholder == "{folder}") {
      name += input.folder.empty() ? "." : input.folder;
    } else {
      throw Error(ErrorCode::usage, fmt::format("'{}' in '{}' is not known; there are: {}.", placeholder,
                                                rules.output, fmt::join(placeholders, ", ")));
    }
    at = end + 1;
  }
  return tidy(name);
}

std::string result_name(const InputName& input, const OutputRules& rules) {
  if (is_template(rules.output)) {
    return from_template(input, rules);
  }
  const fs::path name = stem_of(input.file) + rules.suffix + "." + rules.extension(input.file);
  // The query of an object's URL stays behind its path: it may name the server.
  const std::string_view folder = object_path(rules.output);
  return (fs::path(folder) / input.folder / name).string() + rules.output.substr(folder.size());
}

/// Throws Error(usage) for inputs that cannot be replaced by a result of the same format.
WorkItem in_place(const std::string& file, const OutputRules& rules) {
  if (file == "-") {
    throw Error(ErrorCode::usage, "Standard input cannot be replaced: leave out --in-place.");
  }
  if (is_object_url(file)) {
    throw Error(ErrorCode::usage, "Objects are not replaced in place: name the result's with -o.");
  }
  const std::string extension = fs::path(file).extension().string();
  if (!format_from_extension(extension)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("'{}' cannot be replaced by its result: {} are written, and its extension is '{}'. Give "
                    "-o instead of --in-place.",
                    file, known_formats(), extension),
        file);
  }
  return {file, file, rules.backup.empty() ? std::string() : file + rules.backup};
}

bool is_there(const std::string& output, const OutputRules& rules) {
  if (const auto format = folder_format(output, rules)) {
    return holds_older_result(tile_folder_target(output, *format, output), *format);
  }
  return is_object_url(output) ? objects_module().exists(output)
                               : find_output_target(output).kind == OutputKind::file;
}

}  // namespace

std::string output_name(const std::string& typed) {
  return !typed.empty() && is_standard_output(typed) ? "-" : typed;
}

bool is_stream_output(const std::string& file) {
  return is_standard_output(file) ||
         (!is_object_url(file) && find_output_target(file).kind == OutputKind::stream);
}

void check_writable(const std::string& file, bool replace, const InputFiles& inputs) {
  if (file == "-") {
    return;
  }
  if (is_object_url(file)) {
    check_object_writable(file, replace);
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
  return (fs::path(folder) / (stem_of(input) + "." + extension)).string();
}

Work plan_work(const Inputs& inputs, const OutputRules& rules) {
  Work work;
  std::vector<std::string> files;
  for (const InputName& input : inputs.names) {
    files.push_back(input.file);
  }
  if (rules.in_place) {
    for (const std::string& file : files) {
      work.items.push_back(in_place(file, rules));
    }
    return work;
  }
  if (rules.output.empty()) {
    for (const std::string& file : files) {
      work.items.push_back({file, ""});
    }
    return work;
  }
  const bool named_after_input = is_template(rules.output) || goes_to_folder(rules);
  if (!named_after_input && files.size() > 1) {
    throw Error(
        ErrorCode::usage,
        rules.output == "-"
            ? fmt::format("{} images cannot all go to standard output: give a folder to -o.", files.size())
            : fmt::format("{} images need a folder for their results: write '-o {}/'.", files.size(),
                          rules.output));
  }
  std::set<std::string> outputs;
  for (const InputName& input : inputs.names) {
    WorkItem item{input.file, named_after_input ? result_name(input, rules) : rules.output};
    if (!outputs.insert(item.output).second) {
      throw Error(
          ErrorCode::usage,
          fmt::format("Two inputs would both be written to '{}': process them into different folders, or "
                      "add {{folder}} to a name template.",
                      item.output));
    }
    const bool there = rules.skip_existing && item.output != "-" && is_there(item.output, rules);
    (there ? work.skipped : work.items).push_back(std::move(item));
  }
  const InputFiles read(files);
  for (const WorkItem& item : work.items) {
    if (is_object_url(item.output) && object_path(item.output) == object_path(item.input)) {
      throw Error(ErrorCode::usage, fmt::format("'{}' is an input: write the result to another object.",
                                                object_path(item.output)));
    }
    if (const auto format = folder_format(item.output, rules)) {
      check_tiles_writable(item.output, *format, rules.replace, files);
    } else {
      check_writable(item.output, rules.replace, read);
    }
  }
  // mpirun gives its ranks a terminal of its own; the command that started it has looked at the real one.
  if (rules.output == "-" && !started_by_mpi() && isatty(STDOUT_FILENO) == 1) {
    throw Error(ErrorCode::usage, "Standard output is a terminal: redirect it to a file or a program.");
  }
  return work;
}

void make_output_folders(const Work& work, const OutputRules& rules) {
  // A single file goes where the user says; a folder that is not there is a mistake.
  if (rules.in_place || rules.output.empty() || rules.output == "-") {
    return;
  }
  std::set<fs::path> folders;
  const bool named_by_template = is_template(rules.output);
  const bool folder = goes_to_folder(rules);
  if (folder && !named_by_template) {
    folders.insert(rules.output);
  }
  if (folder || named_by_template) {
    for (const WorkItem& item : work.items) {
      folders.insert(fs::path(item.output).parent_path());
    }
  }
  for (const fs::path& path : folders) {
    std::error_code failure;
    if (!path.empty() && !is_object_url(path.string())) {
      fs::create_directories(path, failure);
    }
    if (failure) {
      throw Error(ErrorCode::io,
                  fmt::format("Cannot make the folder '{}': {}.", path.string(), failure.message()));
    }
  }
}

}  // namespace tessera::cli
