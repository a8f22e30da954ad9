// SPDX-License-Identifier: Apache-2.0
// What is known of an upload that may break off, kept in the user's state folder, so that another run of a program
// goes on with it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/json.hpp"

namespace tessera {

/// An upload in parts, as POST /v1/uploads began it.
struct BegunUpload {
  std::string object;
  std::string upload;
  std::int64_t size_bytes = 0;
  std::int64_t part_bytes = 0;
  int count = 0;
};

/// Of one file on its way to one server. Only one process has it at a time; others go without.
class UploadRecord {
 public:
  /// `file` is recognised by its path, size and time of modification. Throws nothing: what cannot be recorded is
  /// uploaded all the same.
  UploadRecord(const std::string& server, const std::filesystem::path& file);
  UploadRecord(const UploadRecord&) = delete;
  UploadRecord& operator=(const UploadRecord&) = delete;

  [[nodiscard]] std::optional<BegunUpload> find() const;
  void write(const BegunUpload& upload) const;
  void remove() const;

 private:
  std::filesystem::path path_;  ///< empty: nothing is recorded
  FileDescriptor lock_;
};

}  // namespace tessera
