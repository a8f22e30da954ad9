// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "codec/io/objects.hpp"
#include "codec/io/output_target.hpp"
#include "process/image_input.hpp"

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

/// By content, as everywhere. What cannot be read is taken for an image, so that opening it says why.
bool looks_like_image(const fs::path& file) {
  try {
    const Sniffed sniffed = sniff_input(ImageInput::file(file.string()));
    return sniffed.format.has_value() || sniffed.damaged;
  } catch (const Error&) {
    return true;
  }
}

/// Folders that are links are not followed: they may lead in a circle.
void search_folder(const fs::path& folder, const fs::path& below, Inputs& inputs) {
  std::vector<fs::directory_entry> entries;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (!entry->path().filename().string().starts_with('.')) {
      entries.push_back(*entry);
    }
  }
  if (failure) {
    throw Error(ErrorCode::io,
                fmt::format("The folder '{}' cannot be read: {}.", folder.string(), failure.message()),
                folder.string());
  }
  std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) { return entry.path(); });
  for (const fs::directory_entry& entry : entries) {
    std::error_code ignored;
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) {
      search_folder(entry.path(), below / entry.path().filename(), inputs);
    } else if (entry.is_regular_file(ignored)) {
      if (looks_like_image(entry.path())) {
        inputs.names.push_back({entry.path().string(), below.string()});
      } else {
        ++inputs.other_files;
      }
    }
  }
}

}  // namespace

Inputs expand_inputs(const std::vector<std::string>& typed, bool recursive) {
  Inputs inputs;
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
      inputs.names.push_back({"-"});
    } else if (is_object_url(name)) {
      inputs.names.push_back({name});
    } else if (is_folder(name) && recursive) {
      const std::size_t before = inputs.names.size();
      search_folder(name, {}, inputs);
      if (inputs.names.size() == before) {
        throw Error(ErrorCode::not_found, fmt::format("There are no images in the folder '{}'.", name), name);
      }
    } else if (is_folder(name) && typed.size() == 1) {
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' is a folder: add -r for all images in it and below, or name them, for "
                              "example '{}/*.jpg'.",
                              name, name),
                  name);
    } else if (exists(name)) {
      inputs.names.push_back({name});
    } else if (name.find_first_of("*?[") != std::string::npos) {
      const auto found = matches(name);
      if (found.empty()) {
        throw Error(ErrorCode::not_found, fmt::format("No file matches '{}'.", name), name);
      }
      for (const std::string& file : found) {
        inputs.names.push_back({file});
      }
    } else {
      inputs.names.push_back({name});  // opening it will say what is wrong, and the others go on
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

}  // namespace tessera::cli
