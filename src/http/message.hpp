// A request as handlers see it, and what they may answer.
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

/// A file that is open: stays readable when its name is taken away.
class OpenFile {
 public:
  /// For reading. Throws Error(not_found, io).
  explicit OpenFile(const std::filesystem::path& path);
  /// A new one without a name, in `folder`. Throws Error(io).
  [[nodiscard]] static std::shared_ptr<OpenFile> temporary(const std::filesystem::path& folder);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] std::int64_t size() const;
  /// Fills `out` from `offset` as far as the file goes. Throws Error(io).
  std::size_t read_at(std::int64_t offset, std::span<char> out) const;
  void append(std::string_view bytes);  ///< throws Error(io)

 private:
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// Held in memory while it is small, else in a nameless temporary file.
class Body {
 public:
  [[nodiscard]] std::int64_t size() const {
    return file_ ? file_->size() : static_cast<std::int64_t>(text_.size());
  }
  [[nodiscard]] bool in_memory() const { return !file_; }
  /// The bytes of a body that is in memory. Throws Error(limit_exceeded) for another.
  [[nodiscard]] const std::string& text() const;
  /// All of it, wherever it is. Throws Error(limit_exceeded) if it is longer than that.
  [[nodiscard]] std::string read_all(std::int64_t max_bytes) const;
  /// Valid as long as this body.
  [[nodiscard]] std::unique_ptr<ByteSource> open() const;
  void append(std::string_view bytes, std::int64_t max_memory_bytes, const std::filesystem::path& folder);
  /// Whether append() would not touch a file.
  [[nodiscard]] bool has_room_in_memory(std::size_t more_bytes, std::int64_t max_memory_bytes) const {
    return !file_ && static_cast<std::int64_t>(text_.size() + more_bytes) <= max_memory_bytes;
  }

 private:
  std::string text_;
  std::shared_ptr<OpenFile> file_;
};

/// How long a request may be worked on. Shared between the connection, which knows whether the client is
/// still there, and the thread that works.
struct Attention {
  std::atomic<bool> client_gone = false;
  std::chrono::milliseconds time_limit{};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  bool watched = false;  ///< the connection looks whether the client is there; for its strand only
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
  std::string id;          ///< X-Request-Id, if sane, or a new one
  int version = 11;        ///< 10 or 11
  bool websocket = false;  ///< asks for an upgrade
  std::any caller;         ///< what Route::admit found out
  std::string note;        ///< for the access log: whom or what the request was about
  std::shared_ptr<Attention> attention = std::make_shared<Attention>();

  /// For handlers, between pieces of longer work: throws Error(cancelled) if the client is gone, and
  /// Error(limit_exceeded) if the time of a request is over.
  void check_attention() const;

  /// Empty if there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  /// Of the path. The pattern must have it.
  [[nodiscard]] const std::string& parameter(std::string_view name) const;
};

/// A file, streamed. Ranges are served by the server.
struct FileContent {
  std::shared_ptr<const OpenFile> file;
};

/// Bytes that a function writes, on a thread of its own. It may be slowed down by its client; when that is
/// gone, write() throws Error(cancelled).
struct ProducedContent {
  std::optional<std::int64_t> size_bytes;  ///< none: sent in chunks, without ranges
  bool ranges = false;                     ///< whether `produce` heeds its range
  std::function<void(ByteSink& out, const std::optional<ByteRange>& range)> produce;
  std::string owner = {};  ///< each may have a share of the threads; empty: no share is kept
};

/// Messages for as long as client and channel live: Server-Sent Events as they are written, or the text
/// messages of a WebSocket.
struct PushContent {
  std::shared_ptr<Channel> channel;
  bool websocket = false;
  std::string heartbeat;  ///< sent when nothing else was for that long; empty: never
  std::chrono::milliseconds heartbeat_interval{15'000};
};

struct Response {
  int status = 200;
  Pairs headers;
  std::variant<std::string, FileContent, ProducedContent, PushContent> content;

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
