// SPDX-License-Identifier: Apache-2.0
// What the sinks of all formats have in common: the file, which other ranks may join.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "codec/io/atomic_file.hpp"
#include "codec/io/shared_file.hpp"
#include "codec/writer.hpp"

namespace tessera {

class FormatSink : public FileSink {
 public:
  SharedOutput* shared() override { return shared_ ? &*shared_ : nullptr; }
  std::int64_t written_bytes() const override { return file_ ? file_->committed_bytes() : 0; }
  std::vector<std::string> warnings() const override { return warnings_; }
  /// What was said when the metadata were made for this format.
  void set_warnings(std::vector<std::string> warnings) { warnings_ = std::move(warnings); }

 protected:
  /// `file` is null on ranks that only encode.
  explicit FormatSink(std::unique_ptr<AtomicFile> file) : file_(std::move(file)) {}
  /// The bodies of the pieces are bytes of `pieces` as they stand, so ranks may write their own. It is null
  /// on ranks that only encode.
  void share(AtomicFile* pieces) { shared_.emplace(pieces); }
  [[nodiscard]] AtomicFile* file() const { return file_.get(); }
  [[nodiscard]] SharedFile& shared_file() { return *shared_; }

 private:
  std::unique_ptr<AtomicFile> file_;
  std::optional<SharedFile> shared_;
  std::vector<std::string> warnings_;
};

}  // namespace tessera
