// SPDX-License-Identifier: Apache-2.0
// One result file, written by several ranks.
#pragma once

#include <string>

#include "base/file_descriptor.hpp"
#include "codec/io/atomic_file.hpp"
#include "image/sink.hpp"

namespace tessera {

/// On the same machine ranks open the root's file through /proc, so that it needs no name. On others they open
/// it by its hidden name, if the folder is there too. What they have opened is the same file only if it has
/// the random bytes that the root has just written into it.
class SharedFile final : public SharedOutput {
 public:
  /// The root's file, which must outlive it; null on the other ranks.
  explicit SharedFile(AtomicFile* file) : file_(file) {}
  std::string invite(bool by_name) override;
  bool join(const std::string& invitation) override;
  void end_invitation() override;
  std::int64_t position() const override { return file_->size(); }
  void write_at(std::int64_t offset, const EncodedPiece& piece) override;
  void flush() override;
  /// What join() has opened; it can be read too. -1: nothing.
  [[nodiscard]] int descriptor() const { return joined_.get(); }

 private:
  [[noreturn]] void fail() const;

  AtomicFile* file_;
  std::string name_;  ///< in sentences
  FileDescriptor joined_;
  bool by_name_ = false;
};

}  // namespace tessera
