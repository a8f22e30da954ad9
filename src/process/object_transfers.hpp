// SPDX-License-Identifier: Apache-2.0
// The parts of a result that becomes an object in a bucket of the command's or the library's user.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/io/objects.hpp"
#include "image/shared_parts.hpp"

namespace tessera {

class ObjectTransfers final : public PartTransfers {
 public:
  /// `upload`: on the root; the other ranks need none.
  explicit ObjectTransfers(std::unique_ptr<ObjectUpload> upload) : upload_(std::move(upload)) {}

  std::vector<std::string> links(std::int64_t first, std::int64_t count) override {
    return upload_->links(first, count);
  }
  std::string upload(const std::string& link, std::span<const std::byte> bytes) override {
    return objects_module().upload_part(link, bytes, {});
  }
  void add_uploaded(std::int64_t part, std::string tag) override {
    upload_->add_uploaded(part, std::move(tag));
  }
  /// Root, when the file is complete: uploads what is not uploaded yet; then the object is there.
  void finish(int descriptor, std::int64_t size_bytes) { upload_->finish(descriptor, size_bytes); }

 private:
  std::unique_ptr<ObjectUpload> upload_;
};

}  // namespace tessera
