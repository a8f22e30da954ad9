// SPDX-License-Identifier: Apache-2.0
// Resumable uploads (Cloud Storage documentation, "Resumable uploads").
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "net/backoff.hpp"
#include "net/http_client.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::gcs {

/// The size of all chunks but the last must be a multiple of this.
constexpr std::int64_t chunk_unit_bytes = std::int64_t{256} << 10;

struct UploadOptions {
  std::int64_t chunk_bytes = std::int64_t{16} << 20;  ///< held in memory; a multiple of chunk_unit_bytes
  int max_attempts = 5;                               ///< consecutive attempts without progress
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds max_backoff{10'000};
};

/// The upload of one object. A session creates at most one object, however often its last chunk is sent, so
/// retries need no precondition.
class ResumableUpload {
 public:
  /// `open_session` starts a session and returns its URL; `refuse` throws the Error for a response.
  ResumableUpload(HttpClient& http, std::string name, std::function<std::string()> open_session,
                  std::function<void(const HttpResponse&)> refuse, UploadOptions options = {});

  /// Sends all of `body` and returns its size. If it throws, the session was cancelled and there is no
  /// object.
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
  std::string chunk_;       ///< data that the store has not accepted yet
  std::int64_t taken_ = 0;  ///< bytes that the store has confirmed
  bool ended_ = false;      ///< chunk_ is the last one
  bool stored_ = false;
  int failures_ = 0;
  std::string last_failure_;
};

/// The number of bytes that a 308 response confirms (its Range header). Throws Error(unavailable).
[[nodiscard]] std::int64_t bytes_taken(const HttpResponse& answer);

}  // namespace tessera::gcs
