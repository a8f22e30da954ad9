// SPDX-License-Identifier: Apache-2.0
// Which pieces of an unfinished result are in its partial file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/file_descriptor.hpp"

namespace tessera {

struct JournaledPiece {
  std::int64_t body_bytes = 0;
  std::int64_t end_bytes = 0;  ///< where the body ends in the file
  Bytes index;                 ///< see EncodedPiece
};

/// A file with a key, which stands for all that the result depends on, and a record of each piece. Records have
/// checksums: what a crash has left half-written at the end is not read. Whoever has the partial file has the journal.
class ResultJournal {
 public:
  /// Reads the file, if there is one. `name` is what sentences call the result. Throws Error(io).
  ResultJournal(std::filesystem::path file, std::string key, std::string name);

  /// The pieces of an earlier run with the same key.
  [[nodiscard]] const std::vector<JournaledPiece>& found() const { return found_; }
  /// Whether there was a journal with another key.
  [[nodiscard]] bool found_other() const { return found_other_; }

  /// Makes the file anew, with these pieces. Throws Error(io).
  void restart(std::span<const JournaledPiece> pieces);
  /// Appends, and returns when the storage has it. Only after restart(). Throws Error(io).
  void append(std::span<const JournaledPiece> pieces);
  /// Removes the file.
  void remove();

 private:
  void read();
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::string key_;
  std::string name_;
  FileDescriptor file_;
  std::int64_t size_ = 0;
  std::vector<JournaledPiece> found_;
  bool found_other_ = false;
};

}  // namespace tessera
