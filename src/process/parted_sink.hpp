// SPDX-License-Identifier: Apache-2.0
// A result that becomes an object in a bucket: made in a file, uploaded when it is complete. Ranks that cannot write
// into that file upload parts of their own, which stay holes in the file.
#pragma once

#include <memory>
#include <string>

#include "codec/writer.hpp"
#include "image/shared_parts.hpp"

namespace tessera {

class PartedSink final : public FileSink, private SharedOutput, private SharedParts {
 public:
  /// On the root. `transfers` must outlive it, here and below.
  PartedSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata,
             const WriteOptions& options, PartTransfers& transfers);
  /// On the other ranks.
  PartedSink(const ImageInfo& info, const WriteOptions& options, PartTransfers& transfers);

  std::int64_t piece_rows() const override { return sink_->piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_->encode(piece); }
  void append(const EncodedPiece& piece) override { sink_->append(piece); }
  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override {
    sink_->skip(index, body_bytes);
  }
  void finish() override { sink_->finish(); }
  Pyramid* pyramid() override { return sink_->pyramid(); }
  SharedOutput* shared() override;
  std::vector<std::string> warnings() const override { return sink_->warnings(); }
  std::int64_t written_bytes() const override { return sink_->written_bytes(); }
  /// Root: of the file.
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  std::string invite(bool by_name) override { return file_->invite(by_name); }
  bool join(const std::string& invitation) override { return file_->join(invitation); }
  void end_invitation() override { file_->end_invitation(); }
  std::int64_t position() const override { return file_->position(); }
  void write_at(std::int64_t offset, const EncodedPiece& piece) override { file_->write_at(offset, piece); }
  void flush() override { file_->flush(); }
  SharedParts* parts() override { return has_levels_ ? nullptr : this; }

  void read_local(std::int64_t offset, std::span<std::byte> to) override;
  void write_local(std::int64_t offset, std::span<const std::byte> bytes) override;
  std::vector<std::string> links(std::int64_t first, std::int64_t count) override {
    return transfers_.links(first, count);
  }
  std::string upload(const std::string& link, std::span<const std::byte> bytes) override {
    return transfers_.upload(link, bytes);
  }
  void add_uploaded(std::int64_t part, std::string tag) override {
    transfers_.add_uploaded(part, std::move(tag));
  }

  PartTransfers& transfers_;
  int descriptor_ = -1;
  std::string name_;
  /// The file is put together at the end, so that places in it are not those in the object.
  bool has_levels_;
  std::unique_ptr<FileSink> sink_;
  SharedOutput* file_ = nullptr;
};

}  // namespace tessera
