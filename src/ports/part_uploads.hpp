// SPDX-License-Identifier: Apache-2.0
// Uploads of one object in parts (S3's multipart upload): parts are sent in any order, several at a time, by
// several processes and with links; what has arrived stays when a sender breaks off, so that an upload can go on
// later. The object appears, whole, when the upload is completed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace tessera {

struct ObjectPart {
  int number = 0;  ///< from 1 to max_parts; parts are put together in the order of their numbers
  std::int64_t size_bytes = 0;
  std::string etag;  ///< changes with the content
};

constexpr int max_parts = 10'000;
/// Of every part but the last. Stores may refuse to complete an upload with smaller ones.
constexpr std::int64_t min_part_bytes = std::int64_t{5} << 20;

/// Safe to use from many threads. Throws what ObjectStore throws; not_found also for an upload that was completed or
/// aborted. An upload belongs to the name with which it was begun.
class PartUploads {
 public:
  virtual ~PartUploads() = default;
  /// Returns the identifier of a new upload.
  [[nodiscard]] virtual std::string begin_upload(const std::string& name,
                                                 const std::string& content_type) = 0;
  /// Replaces an earlier part of the same number. `body` must know its size.
  virtual ObjectPart put_part(const std::string& name, const std::string& upload, int number,
                              ByteSource& body) = 0;
  /// A link for a PUT of the part, which must have `size_bytes`, as ObjectStore::sign_put().
  [[nodiscard]] virtual Link sign_part(const std::string& name, const std::string& upload, int number,
                                       std::int64_t size_bytes, std::chrono::seconds lifetime) = 0;
  /// The parts that are complete, in order of their numbers.
  [[nodiscard]] virtual std::vector<ObjectPart> list_parts(const std::string& name,
                                                           const std::string& upload) = 0;
  /// Makes the object of `parts`, in order of their numbers; replaces an existing object atomically. Can be repeated
  /// if it is not known whether it succeeded. Throws Error(usage) if a part is missing, has another content by now,
  /// or is too small.
  virtual ObjectInfo complete_upload(const std::string& name, const std::string& upload,
                                     const std::vector<ObjectPart>& parts) = 0;
  /// No error if there is no such upload.
  virtual void abort_upload(const std::string& name, const std::string& upload) = 0;
  /// Aborts uploads to names that begin with `prefix` that were begun before `begun_before`, at most 1000 in a call.
  /// Returns how many.
  virtual int abort_uploads(const std::string& prefix, TimePoint begun_before) = 0;
};

/// Throws Error(usage) unless `number` is one of a part, and `upload` may be the identifier of an upload.
void check_part(const std::string& upload, int number);

/// Throws Error(not_found): the upload was completed or aborted, or never begun for that name.
[[noreturn]] void throw_no_upload(const std::string& name, const std::string& upload);

}  // namespace tessera
