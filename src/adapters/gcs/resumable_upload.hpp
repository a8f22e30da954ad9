// Uploads that go on where they broke off (Cloud Storage documentation, "Resumable uploads").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "net/backoff.hpp"
#include "net/http_client.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::gcs {

/// Chunks that do not end an object must be a multiple of this.
constexpr std::int64_t chunk_unit_bytes = std::int64_t{256} << 10;

struct UploadOptions {
  std::int64_t chunk_bytes = std::int64_t{16} << 20;  ///< held in memory; a multiple of chunk_unit_bytes
  int max_attempts = 5;                               ///< in a row without a byte that the store has taken
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds max_backoff{10'000};
};

/// One object on its way. A session ends in one object or none, however often its last chunk is sent, so
/// repeating does no harm and needs no condition.
class ResumableUpload {
 public:
  /// `open_session` asks the store for a new session and returns its URL; `refuse` throws what an answer
  /// means.
  ResumableUpload(HttpClient& http, std::string name, std::function<std::string()> open_session,
                  std::function<void(const HttpResponse&)> refuse, UploadOptions options = {});

  /// Sends all of `body` and returns its size. When it throws the session has been withdrawn: nothing is
  /// there.
  std::int64_t send(ByteSource& body);

 private:
  void send_chunks(ByteSource& body);
  void send_chunk();
  bool take_answer(const HttpResponse& answer);
  [[nodiscard]] std::string content_range() const;
  std::optional<HttpResponse> put(std::string_view bytes, const std::string& content_range);
  void pause_after_failure(const std::optional<HttpResponse>& answer);
  void withdraw();

  HttpClient& http_;
  std::string name_;
  std::function<std::string()> open_session_;
  std::function<void(const HttpResponse&)> refuse_;
  UploadOptions options_;
  Backoff backoff_;

  std::string session_;     ///< URL
  std::string chunk_;       ///< what the store has not taken yet
  std::int64_t taken_ = 0;  ///< bytes that the store has for good
  bool ended_ = false;      ///< chunk_ is the last
  bool stored_ = false;
  int failures_ = 0;
  std::string last_failure_;
};

/// How many bytes an answer of status 308 says the store has: of its Range header. Throws Error(unavailable).
[[nodiscard]] std::int64_t bytes_taken(const HttpResponse& answer);

}  // namespace tessera::gcs
