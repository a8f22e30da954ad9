// SPDX-License-Identifier: Apache-2.0
// Storage for images: a local folder, S3 or Google Cloud Storage. Implementations are safe to use from many
// threads at once, retry transient failures (408, 429, 5xx, broken connections) with backoff and jitter, and
// throw Error: not_found (no such object), forbidden (credentials rejected), unavailable (still failing after
// the retries, or the bucket or folder is missing), usage (an invalid name or range).
//
// Names are paths without a leading slash, of [A-Za-z0-9._/-] and any other UTF-8, at most 1024 bytes; no
// empty, "." or ".." part.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "ports/bytes_io.hpp"

namespace tessera {

struct ObjectInfo {
  std::string name;
  std::int64_t size_bytes = 0;
  std::string content_type;  ///< may be empty in a listing
  TimePoint modified{};
  std::string etag = {};  ///< changes with every write; empty if it is not known
};

/// Bytes first..last of an object, inclusive; without `last`, to its end.
struct ByteRange {
  std::int64_t first = 0;
  std::optional<std::int64_t> last;
};

struct ObjectPage {
  std::vector<ObjectInfo> objects;  ///< in order of their names
  std::string next;                 ///< pass it as `after` to get the next page; empty: this was the last
};

/// Limit of the cloud stores' protocols; local folders use the same one.
constexpr std::chrono::seconds max_link_lifetime = std::chrono::hours(24 * 7);

/// Options of a presigned URL.
struct LinkOptions {
  std::chrono::seconds lifetime{3600};  ///< limited by the credentials' lifetime and the protocol
  std::string content_type;  ///< GET: overrides the response header; PUT: must be sent, if not empty
  std::string file_name;     ///< GET: download name (Content-Disposition: attachment)
};

struct Link {
  std::string url;
  TimePoint expires{};
};

class PartUploads;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Stores all of `body` under `name`, replacing an existing object atomically: it is complete when put()
  /// returns, or not there at all. The body may have any length, known or not; a bounded part of it is held
  /// in memory.
  virtual ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) = 0;
  /// Writes the object, or a range of it, to `out`.
  virtual ObjectInfo get(const std::string& name, ByteSink& out,
                         const std::optional<ByteRange>& range = {}) = 0;
  [[nodiscard]] virtual std::optional<ObjectInfo> stat(const std::string& name) = 0;
  /// No error if the object does not exist.
  virtual void remove(const std::string& name) = 0;
  [[nodiscard]] virtual ObjectPage list(const std::string& prefix, const std::string& after, int limit) = 0;

  /// Presigned URLs: they work without credentials, for anyone who has them, until they expire. They are
  /// signed locally without a request, except where the key is held by another service (a Google machine's
  /// service account): that service is called, and may fail as a store does.
  [[nodiscard]] virtual Link sign_get(const std::string& name, const LinkOptions& options) = 0;
  [[nodiscard]] virtual Link sign_put(const std::string& name, const LinkOptions& options) = 0;

  /// Uploads in parts, of the same objects. It lives as long as the store.
  [[nodiscard]] virtual PartUploads& part_uploads() = 0;

  /// A local file that holds the object, if the store is a local folder: avoids a copy. It must only be read.
  [[nodiscard]] virtual std::optional<std::filesystem::path> local_file(const std::string& name) {
    static_cast<void>(name);
    return std::nullopt;
  }
  /// Throws Error(unavailable, forbidden) with the reason if the store cannot be used.
  virtual void check() = 0;
};

/// Throws Error(usage) if `name` is not a valid object name.
void check_object_name(const std::string& name);

/// Throws Error(io) if the size that `body` announced differs from `size_bytes`.
void check_whole_body(const std::string& name, const ByteSource& body, std::int64_t size_bytes);

}  // namespace tessera
