// SPDX-License-Identifier: Apache-2.0
// A result on its way to a bucket: whole if it is small, else in parts.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "codec/io/objects.hpp"
#include "net/http_client.hpp"
#include "ports/part_uploads.hpp"

namespace tessera {

class BucketUpload final : public ObjectUpload {
 public:
  BucketUpload(std::shared_ptr<ObjectStore> store, std::string name, std::string_view media_type)
      : store_(std::move(store)), name_(std::move(name)), media_type_(media_type) {}
  ~BucketUpload() override;
  BucketUpload(const BucketUpload&) = delete;
  BucketUpload& operator=(const BucketUpload&) = delete;

  std::vector<std::string> links(std::int64_t first, std::int64_t count) override;
  void add_uploaded(std::int64_t part, std::string tag) override;
  void finish(int descriptor, std::int64_t size_bytes) override;

 private:
  void begin();
  void upload_missing(int descriptor, std::int64_t size_bytes);

  std::shared_ptr<ObjectStore> store_;
  std::string name_;
  std::string media_type_;
  std::string upload_;                        ///< empty before begin() and when it has ended
  std::mutex mutex_;                          ///< guards tags_
  std::map<std::int64_t, std::string> tags_;  ///< by part, from 0
};

/// PUTs a part by its link, again after failures that may pass. Returns its entity tag.
std::string upload_part_by_link(HttpClient& http, const std::string& link, std::span<const std::byte> bytes);

}  // namespace tessera
