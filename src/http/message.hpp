// SPDX-License-Identifier: Apache-2.0
// Requests and responses, as used by handlers.
#pragma once

#include <any>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "http/channel.hpp"
#include "http/text.hpp"
#include "ports/bytes_io.hpp"
#include "ports/object_store.hpp"

namespace tessera::http {

/// An open file; stays readable when its name is removed.
class OpenFile {
 public:
  /// Opens a file for reading. Throws Error(not_found, io).
  explicit OpenFile(const std::filesystem::path& path);
  /// Creates an unnamed file in `folder`. Throws Error(io).
  [[nodiscard]] static std::shared_ptr<OpenFile> temporary(const std::filesystem::path& folder);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] std::int64_t size() const;
  /// Reads from `offset` until `out` is full or the file ends. Throws Error(io).
  std::size_t read_at(std::int64_t offset, std::span<char> out) const;
  void append(std::string_view bytes);  ///< throws Error(io)

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// A request body: in memory while it is small, otherwise in an unnamed temporary file.
class Body {
 public:
  [[nodiscard]] std::int64_t size() const {
    return file_ ? file_->size() : static_cast<std::int64_t>(text_.size());
  }
  [[nodiscard]] bool in_memory() const { return !file_; }
  /// The bytes of a body in memory. Throws Error(limit_exceeded) if it is in a file.
  [[nodiscard]] const std::string& text() const;
  /// The whole body. Throws Error(limit_exceeded) if it is longer than `max_bytes`.
  [[nodiscard]] std::string read_all(std::int64_t max_bytes) const;
  /// A source that is valid as long as this body.
  [[nodiscard]] std::unique_ptr<ByteSource> open() const;
  void append(std::string_view bytes, std::int64_t max_memory_bytes, const std::filesystem::path& folder);
  /// Whether append() needs no file I/O.
  [[nodiscard]] bool has_room_in_memory(std::size_t more_bytes, std::int64_t max_memory_bytes) const {
    return !file_ && static_cast<std::int64_t>(text_.size() + more_bytes) <= max_memory_bytes;
  }

 private:
  std::string text_;
  std::shared_ptr<OpenFile> file_;
};

/// Cancellation of a request. Shared between the connection, which knows whether the client is still
/// connected, and the thread that processes the request.
struct Cancellation {
  std::atomic<bool> client_gone = false;
  std::chrono::milliseconds time_limit{};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  bool watched = false;  ///< the connection checks the client; used on its strand only
};

struct Request {
  std::string method;
  std::string path;       ///< as sent, still encoded, without the query
  Pairs parameters;       ///< of the path, decoded
  Pairs query;            ///< decoded
  std::string raw_query;  ///< as sent
  Pairs headers;
  Body body;
  std::string peer;        ///< address of the client
  std::string id;          ///< X-Request-Id, if valid, or a new one
  int version = 11;        ///< 10 or 11
  bool websocket = false;  ///< requests an upgrade
  std::any caller;         ///< set by Route::admit
  std::string note;        ///< for the access log: subject of the request
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();

  /// Handlers call this regularly during longer work. Throws Error(cancelled) if the client has disconnected,
  /// and Error(limit_exceeded) if the time limit is over.
  void check_cancelled() const;

  /// The value of a header; empty if it is missing.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  /// A path parameter. The route's pattern must contain it.
  [[nodiscard]] const std::string& parameter(std::string_view name) const;
};

/// Bytes that are held by others too, such as a cache.
struct SharedContent {
  std::shared_ptr<const std::string> bytes;
};

/// A streamed file. The server handles ranges.
struct FileContent {
  std::shared_ptr<const OpenFile> file;
};

/// Content written by a function on its own thread, at the client's speed; write() throws Error(cancelled)
/// when the client has disconnected.
struct ProducedContent {
  std::optional<std::int64_t> size_bytes;  ///< nothing: sent in chunks, without ranges
  bool ranges = false;                     ///< whether `produce` supports ranges
  std::function<void(ByteSink& out, const std::optional<ByteRange>& range)> produce;
  std::string owner = {};  ///< the number of threads per owner is limited; empty: no limit
};

/// Messages as long as client and channel live: Server-Sent Events as they are written, or the text messages
/// of a WebSocket.
struct PushContent {
  std::shared_ptr<Channel> channel;
  bool websocket = false;
  std::string heartbeat;  ///< sent after heartbeat_interval without messages; empty: never
  std::chrono::milliseconds heartbeat_interval{15'000};
};

struct Response {
  int status = 200;
  Pairs headers;
  std::variant<std::string, SharedContent, FileContent, ProducedContent, PushContent> content;

  Response& with(std::string name, std::string value) & {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Response&& with(std::string name, std::string value) && {
    headers.emplace_back(std::move(name), std::move(value));
    return std::move(*this);
  }
};

[[nodiscard]] Response json_response(int status, const Json& json);
[[nodiscard]] Response text_response(int status, std::string text, std::string content_type);
[[nodiscard]] Response redirect_response(int status, std::string location);

}  // namespace tessera::http
