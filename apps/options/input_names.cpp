// SPDX-License-Identifier: Apache-2.0
#include "input_names.hpp"

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/error.hpp"

namespace tessera {
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

/// Folders that are links are not followed: they may lead in a circle.
void search_folder(const fs::path& folder, const fs::path& below, const InputRules& rules, Inputs& inputs) {
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
      search_folder(entry.path(), below / entry.path().filename(), rules, inputs);
    } else if (entry.is_regular_file(ignored)) {
      if (rules.is_image(entry.path())) {
        inputs.names.push_back({entry.path().string(), below.string()});
      } else {
        ++inputs.other_files;
      }
    }
  }
}

}  // namespace

Inputs find_inputs(const std::vector<std::string>& typed, bool recursive, const InputRules& rules) {
  Inputs inputs;
  bool stdin_named = false;
  for (const std::string& name : typed) {
    if (rules.is_standard_input(name)) {
      if (stdin_named) {
        throw Error(ErrorCode::usage, "Standard input ('-') can be read only once.");
      }
      stdin_named = true;
      if (isatty(STDIN_FILENO) == 1) {
        throw Error(ErrorCode::usage, "Standard input is a terminal: redirect an image into it.");
      }
      inputs.names.push_back({"-"});
    } else if (rules.is_url(name)) {
      inputs.names.push_back({name});
    } else if (is_folder(name) && recursive) {
      const std::size_t before = inputs.names.size();
      search_folder(name, {}, rules, inputs);
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

}  // namespace tessera
