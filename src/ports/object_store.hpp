// Where images lie: a local folder, S3 or Google Cloud Storage. Implementations are safe to use from many
// threads at once, retry what may pass (408, 429, 5xx, broken connections) with backoff and jitter, and throw
// Error: not_found (no such object), forbidden (credentials refused), unavailable (still failing after the
// retries, or the bucket or folder is not there), usage (a name or range that cannot be).
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
  std::string etag = {};  ///< another whenever something was stored; empty where it is not known
};

/// Bytes first..last of an object, both included; without `last` to its end.
struct ByteRange {
  std::int64_t first = 0;
  std::optional<std::int64_t> last;
};

struct ObjectPage {
  std::vector<ObjectInfo> objects;  ///< in order of their names
  std::string next;                 ///< pass it to get what follows; empty: that was all
};

/// Of links, by the protocols of the cloud stores; local folders hold to it too.
constexpr std::chrono::seconds longest_link_lifetime = std::chrono::hours(24 * 7);

/// What the one who follows a link is told about the content.
struct LinkOptions {
  std::chrono::seconds lifetime{3600};  ///< cut down to the life of the credentials and of the protocol
  std::string content_type;             ///< GET: overrides the stored one; PUT: must be sent, if not empty
  std::string file_name;                ///< GET: saved under this name (content-disposition attachment)
};

struct Link {
  std::string url;
  TimePoint expires{};
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Stores all of `body` under `name`, in place of what was there. Nobody sees a part of it: it is there
  /// when put returns, or not at all. Bodies of any length, known or not; a bounded part is held in memory.
  virtual ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) = 0;
  /// Writes the object, or the range of it, to `out`.
  virtual ObjectInfo get(const std::string& name, ByteSink& out,
                         const std::optional<ByteRange>& range = {}) = 0;
  [[nodiscard]] virtual std::optional<ObjectInfo> stat(const std::string& name) = 0;
  /// No error if there is none.
  virtual void remove(const std::string& name) = 0;
  [[nodiscard]] virtual ObjectPage list(const std::string& prefix, const std::string& after, int limit) = 0;

  /// Links that work without credentials, for anyone who has them, until they expire. Signed here, when
  /// asked for; nothing is sent, except where the key is kept by another service (the machine's own account
  /// at Google): that one is asked, and may fail as a store does.
  [[nodiscard]] virtual Link sign_get(const std::string& name, const LinkOptions& options) = 0;
  [[nodiscard]] virtual Link sign_put(const std::string& name, const LinkOptions& options) = 0;

  /// A file of this machine that holds the object, if the store is a local folder: spares a copy. It must
  /// only be read.
  [[nodiscard]] virtual std::optional<std::filesystem::path> local_file(const std::string& name) {
    static_cast<void>(name);
    return std::nullopt;
  }
  /// Whether the store answers. Throws Error(unavailable, forbidden) with the reason.
  virtual void check() = 0;
};

/// Throws Error(usage) if `name` cannot be the name of an object.
void check_object_name(const std::string& name);

/// Throws Error(io) if `body` said that it has another size than came.
void check_whole_body(const std::string& name, const ByteSource& body, std::int64_t size_bytes);

}  // namespace tessera
