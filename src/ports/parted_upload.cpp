// SPDX-License-Identifier: Apache-2.0
#include "ports/parted_upload.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/parallel_for_each.hpp"
#include "base/part_layout.hpp"
#include "ports/part_uploads.hpp"

namespace tessera {
namespace {

/// From this size on an object goes in parts.
constexpr std::int64_t min_size_in_parts = std::int64_t{32} << 20;
constexpr std::size_t max_connections = 4;
constexpr std::chrono::hours link_lifetime{12};

/// Stores count from 1.
constexpr int stored_number(std::int64_t part) { return static_cast<int>(part) + 1; }

}  // namespace

PartedUpload::~PartedUpload() {
  if (upload_.empty()) {
    return;
  }
  try {
    store_.part_uploads().abort_upload(name_, upload_);
  } catch (const Error&) {
    // The error that ended the upload is the one to report; a sweep, or the bucket's lifecycle rule, removes what is
    // left.
  }
}

void PartedUpload::begin() {
  if (upload_.empty()) {
    upload_ = store_.part_uploads().begin_upload(name_, content_type_);
  }
}

std::vector<std::string> PartedUpload::links(std::int64_t first, std::int64_t count) {
  if (first < 0 || count < 0 || first > max_parts - count) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The result has more than {} bytes, which is more than an object can have.",
                            begin_of_part(max_parts)));
  }
  begin();
  std::vector<std::string> links;
  for (std::int64_t part = first; part < first + count; ++part) {
    links.push_back(store_.part_uploads()
                        .sign_part(name_, upload_, stored_number(part), size_of_part(part), link_lifetime)
                        .url);
  }
  return links;
}

void PartedUpload::add_uploaded(std::int64_t part, std::string tag) {
  const std::scoped_lock lock(mutex_);
  tags_[part] = std::move(tag);
}

bool PartedUpload::adopt(const std::vector<std::int64_t>& parts) {
  if (parts.empty()) {
    return true;
  }
  if (upload_.empty()) {
    return false;
  }
  std::map<std::int64_t, std::string> stored;
  for (ObjectPart& part : store_.part_uploads().list_parts(name_, upload_)) {
    if (part.size_bytes == size_of_part(part.number - 1)) {
      stored[part.number - 1] = std::move(part.etag);
    }
  }
  for (const std::int64_t part : parts) {
    const auto found = stored.find(part);
    if (found == stored.end()) {
      return false;
    }
    add_uploaded(part, found->second);
  }
  return true;
}

void PartedUpload::finish(const std::filesystem::path& file, std::int64_t size_bytes) {
  if (upload_.empty() && size_bytes < min_size_in_parts) {
    const auto body = open_file_part(file, 0, size_bytes);
    store_.put(name_, *body, content_type_);
    return;
  }
  begin();
  upload_missing(file, size_bytes);
  std::vector<ObjectPart> parts;
  for (const auto& [part, tag] : tags_) {
    parts.push_back(
        {stored_number(part), std::min(size_bytes, begin_of_part(part + 1)) - begin_of_part(part), tag});
  }
  store_.part_uploads().complete_upload(name_, upload_, parts);
  upload_.clear();
}

void PartedUpload::upload_missing(const std::filesystem::path& file, std::int64_t size_bytes) {
  std::vector<std::int64_t> missing;
  for (std::int64_t part = 0; begin_of_part(part) < size_bytes; ++part) {
    if (!tags_.contains(part)) {
      missing.push_back(part);
    }
  }
  parallel_for_each(missing.size(), max_connections, [&](std::size_t index) {
    const std::int64_t part = missing[index];
    const std::int64_t end = std::min(size_bytes, begin_of_part(part + 1));
    const auto body = open_file_part(file, begin_of_part(part), end - begin_of_part(part));
    ObjectPart stored = store_.part_uploads().put_part(name_, upload_, stored_number(part), *body);
    add_uploaded(part, std::move(stored.etag));
  });
}

}  // namespace tessera
