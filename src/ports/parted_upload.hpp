// SPDX-License-Identifier: Apache-2.0
// An object on its way to a store: whole if it is small, else in the parts of base/part_layout.hpp, some of which
// others may upload by links.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace tessera {

/// Destroyed before finish() it leaves nothing in the store, if that answers. add_uploaded() may be called from many
/// threads, the others not. Functions throw what stores throw.
class PartedUpload {
 public:
  /// `store` must outlive it. No request is sent before there is something to upload.
  PartedUpload(ObjectStore& store, std::string name, std::string content_type)
      : store_(store), name_(std::move(name)), content_type_(std::move(content_type)) {}
  ~PartedUpload();
  PartedUpload(const PartedUpload&) = delete;
  PartedUpload& operator=(const PartedUpload&) = delete;

  /// Links for `count` parts from `first` on, each for a PUT of size_of_part() bytes, valid for 12 hours or as long as
  /// the credentials. Throws Error(limit_exceeded) if stores have no part of such a number.
  [[nodiscard]] std::vector<std::string> links(std::int64_t first, std::int64_t count);
  /// That part has been uploaded; `tag` is how the store calls its content.
  void add_uploaded(std::int64_t part, std::string tag);
  /// The same of parts that somebody else has uploaded, after asking the store. Returns whether it has all of them,
  /// in their sizes.
  [[nodiscard]] bool adopt(const std::vector<std::int64_t>& parts);
  /// Uploads what has not been uploaded, from a file that has at least that, several parts at a time, and makes the
  /// object of `size_bytes`.
  void finish(const std::filesystem::path& file, std::int64_t size_bytes);

 private:
  void begin();
  void upload_missing(const std::filesystem::path& file, std::int64_t size_bytes);

  ObjectStore& store_;
  std::string name_;
  std::string content_type_;
  std::string upload_;                        ///< empty before begin() and when it has ended
  std::mutex mutex_;                          ///< guards tags_
  std::map<std::int64_t, std::string> tags_;  ///< by part, from 0
};

}  // namespace tessera
