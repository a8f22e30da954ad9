// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.hpp"
#include "codec/io/objects.hpp"
#include "codec/io/output_target.hpp"
#include "process/image_input.hpp"

namespace tessera::cli {
namespace {

/// By content, as everywhere. What cannot be read is taken for an image, so that opening it says why.
bool looks_like_image(const std::filesystem::path& file) {
  try {
    const Sniffed sniffed = sniff_input(ImageInput::file(file.string()));
    return sniffed.format.has_value() || sniffed.damaged;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace

Inputs expand_inputs(const std::vector<std::string>& typed, bool recursive) {
  return find_inputs(typed, recursive, {is_standard_input, is_object_url, looks_like_image});
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
