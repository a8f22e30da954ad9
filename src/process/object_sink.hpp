// SPDX-License-Identifier: Apache-2.0
// A result that becomes an object in a bucket: made in a temporary file, uploaded when it is complete. Ranks that
// cannot write into that file upload parts of their own.
#pragma once

#include <memory>
#include <string>

#include "codec/io/objects.hpp"
#include "codec/writer.hpp"
#include "image/shared_parts.hpp"

namespace tessera {

class ObjectSink final : public FileSink, private SharedOutput, private SharedParts {
 public:
  /// On the root. `name` is what sentences call the result.
  ObjectSink(const std::string& url, std::string name, const ImageInfo& info, const Metadata& metadata,
             const WriteOptions& options);
  /// On the other ranks.
  ObjectSink(const ImageInfo& info, const WriteOptions& options);

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
  /// Root, after finish() and the smaller levels: uploads what is not uploaded yet; then the object is there.
  void publish();

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
    return upload_->links(first, count);
  }
  std::string upload(const std::string& link, std::span<const std::byte> bytes) override {
    return objects_module().upload_part(link, bytes);
  }
  void add_uploaded(std::int64_t part, std::string tag) override {
    upload_->add_uploaded(part, std::move(tag));
  }

  int descriptor_ = -1;  ///< of the temporary file, which sink_ has
  std::string name_;
  bool
      has_levels_;  ///< the file is put together at the end, so that places in it are not those in the object
  std::unique_ptr<FileSink> sink_;
  SharedOutput* file_ = nullptr;
  std::unique_ptr<ObjectUpload> upload_;
};

}  // namespace tessera
