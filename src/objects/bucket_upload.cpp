// SPDX-License-Identifier: Apache-2.0
#include "objects/bucket_upload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/parallel_for_each.hpp"
#include "image/shared_parts.hpp"

namespace tessera {
namespace {

/// From this size on an object goes in parts.
constexpr std::int64_t min_size_in_parts = std::int64_t{32} << 20;
constexpr std::size_t max_connections = 4;
constexpr std::chrono::hours link_lifetime{12};

}  // namespace

BucketUpload::~BucketUpload() {
  if (upload_.empty()) {
    return;
  }
  try {
    store_->part_uploads().abort_upload(name_, upload_);
  } catch (const Error&) {
    // The error that ended the upload is the one to report; the bucket's lifecycle rule removes what is left.
  }
}

void BucketUpload::begin() {
  if (upload_.empty()) {
    upload_ = store_->part_uploads().begin_upload(name_, media_type_);
  }
}

std::vector<std::string> BucketUpload::links(std::int64_t first, std::int64_t count) {
  begin();
  std::vector<std::string> links;
  for (std::int64_t part = first; part < first + count; ++part) {
    if (part >= max_parts) {
      throw Error(ErrorCode::limit_exceeded,
                  fmt::format("The result has more than {} bytes, which is more than an object can have.",
                              begin_of_part(max_parts)));
    }
    links.push_back(store_->part_uploads()
                        .sign_part(name_, upload_, static_cast<int>(part) + 1,
                                   begin_of_part(part + 1) - begin_of_part(part), link_lifetime)
                        .url);
  }
  return links;
}

void BucketUpload::add_uploaded(std::int64_t part, std::string tag) {
  const std::scoped_lock lock(mutex_);
  tags_[part] = std::move(tag);
}

void BucketUpload::finish(int descriptor, std::int64_t size_bytes) {
  if (upload_.empty() && size_bytes < min_size_in_parts) {
    const auto body = open_file_part(fmt::format("/proc/self/fd/{}", descriptor), 0, size_bytes);
    store_->put(name_, *body, media_type_);
    return;
  }
  begin();
  upload_missing(descriptor, size_bytes);
  std::vector<ObjectPart> parts;
  for (const auto& [part, tag] : tags_) {
    parts.push_back({static_cast<int>(part) + 1,
                     std::min(size_bytes, begin_of_part(part + 1)) - begin_of_part(part), tag});
  }
  store_->part_uploads().complete_upload(name_, upload_, parts);
  upload_.clear();
}

void BucketUpload::upload_missing(int descriptor, std::int64_t size_bytes) {
  std::vector<std::int64_t> missing;
  for (std::int64_t part = 0; begin_of_part(part) < size_bytes; ++part) {
    if (!tags_.contains(part)) {
      missing.push_back(part);
    }
  }
  parallel_for_each(missing.size(), max_connections, [&](std::size_t index) {
    const std::int64_t begin = begin_of_part(missing[index]);
    const std::int64_t end = std::min(size_bytes, begin_of_part(missing[index] + 1));
    const auto body = open_file_part(fmt::format("/proc/self/fd/{}", descriptor), begin, end - begin);
    ObjectPart part =
        store_->part_uploads().put_part(name_, upload_, static_cast<int>(missing[index]) + 1, *body);
    add_uploaded(missing[index], std::move(part.etag));
  });
}

std::string upload_part_by_link(HttpClient& http, const std::string& link, std::span<const std::byte> bytes) {
  HttpRequest request;
  request.method = "PUT";
  request.url = link;
  request.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const HttpResponse response = http.send(request);
  if (response.status < 200 || response.status > 299) {
    throw Error(
        response.status == 401 || response.status == 403 ? ErrorCode::forbidden : ErrorCode::unavailable,
        fmt::format("The store answers status {} for a part of the result.", response.status));
  }
  return header_of(response, "etag");
}

}  // namespace tessera
