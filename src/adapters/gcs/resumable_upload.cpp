// SPDX-License-Identifier: Apache-2.0
#include "adapters/gcs/resumable_upload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "adapters/bucket/bucket_store.hpp"
#include "base/error.hpp"
#include "ports/object_store.hpp"

namespace tessera::gcs {

std::int64_t bytes_taken(const HttpResponse& answer) {
  const std::string range = header_of(answer, "range");
  if (range.empty()) {
    return 0;
  }
  constexpr std::string_view begin = "bytes=0-";
  std::int64_t last = -1;
  const char* const end = range.data() + range.size();
  if (range.starts_with(begin)) {
    const auto [stop, error] = std::from_chars(range.data() + begin.size(), end, last);
    if (error == std::errc() && stop == end && last >= 0 && last < std::numeric_limits<std::int64_t>::max()) {
      return last + 1;
    }
  }
  throw Error(ErrorCode::unavailable,
              fmt::format("The store reports '{}' as the received part of an upload, which is not a range.",
                          range.substr(0, 100)));
}

ResumableUpload::ResumableUpload(HttpClient& http, std::string name,
                                 std::function<std::string()> open_session,
                                 std::function<void(const HttpResponse&)> refuse, UploadOptions options)
    : http_(http),
      name_(std::move(name)),
      open_session_(std::move(open_session)),
      refuse_(std::move(refuse)),
      options_(options),
      backoff_(options.first_backoff, options.max_backoff) {}

std::int64_t ResumableUpload::send(ByteSource& body) {
  try {
    send_chunks(body);
  } catch (...) {
    withdraw();
    throw;
  }
  return taken_;
}

void ResumableUpload::send_chunks(ByteSource& body) {
  const auto chunk_bytes = static_cast<std::size_t>(options_.chunk_bytes);
  while (!stored_) {
    if (!ended_) {
      read_up_to(body, chunk_, chunk_bytes);
      ended_ = chunk_.size() < chunk_bytes;
    }
    if (ended_) {
      check_whole_body(name_, body, taken_ + static_cast<std::int64_t>(chunk_.size()));
    }
    if (session_.empty()) {
      session_ = open_session_();
    }
    send_chunk();
  }
}

/// Sends the chunk until the store has accepted some or all of it.
void ResumableUpload::send_chunk() {
  bool sure = true;  // whether it is known how much the store has
  for (;;) {
    const std::optional<HttpResponse> answer = sure ? put(chunk_, content_range()) : put({}, "bytes */*");
    const int status = answer ? answer->status : 0;
    if (status == 200 || status == 201 || status == 308) {
      if (take_answer(*answer)) {
        return;
      }
      if (!sure) {  // now the offset is known; send the chunk
        sure = true;
        continue;
      }
    } else if ((status == 404 || status == 410) && taken_ == 0) {
      // The session is gone. No data was accepted yet, so a new one can replace it.
      session_ = open_session_();
      sure = true;
    } else if (!answer || is_transient(status)) {
      sure = false;
    } else {
      refuse_(*answer);
      throw Error(ErrorCode::unavailable,
                  fmt::format("The store answers status {} to an upload of '{}'.", status, name_));
    }
    pause_after_failure(answer);
  }
}

/// Returns false if the response brought no progress.
bool ResumableUpload::take_answer(const HttpResponse& answer) {
  const std::int64_t sent = taken_ + static_cast<std::int64_t>(chunk_.size());
  if (answer.status != 308) {
    if (!ended_) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("The store ended the upload of '{}' after {} bytes, before it was complete.",
                              name_, sent));
    }
    taken_ = sent;
    stored_ = true;
    return true;
  }
  const std::int64_t has = bytes_taken(answer);
  if (has < taken_ || has > sent) {
    throw Error(ErrorCode::unavailable,
                fmt::format("The store reports {} bytes of '{}'; {} were confirmed before and {} sent.", has,
                            name_, taken_, sent));
  }
  if (has == taken_) {
    return false;
  }
  chunk_.erase(0, static_cast<std::size_t>(has - taken_));
  taken_ = has;
  failures_ = 0;
  backoff_.reset();
  return true;
}

std::string ResumableUpload::content_range() const {
  const auto size = static_cast<std::int64_t>(chunk_.size());
  const std::string total = ended_ ? std::to_string(taken_ + size) : "*";
  return size == 0 ? fmt::format("bytes */{}", total)
                   : fmt::format("bytes {}-{}/{}", taken_, taken_ + size - 1, total);
}

/// One attempt; nothing if there was no response.
std::optional<HttpResponse> ResumableUpload::put(std::string_view bytes, const std::string& content_range) {
  const auto source = memory_source(bytes);
  HttpRequest request;
  request.method = "PUT";
  request.url = session_;
  request.headers = {{"Content-Range", content_range}};
  request.body_source = source.get();  // so HttpClient does not retry
  try {
    return http_.send(request);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unavailable) {
      throw;
    }
    last_failure_ = error.what();
    return std::nullopt;
  }
}

void ResumableUpload::pause_after_failure(const std::optional<HttpResponse>& answer) {
  if (answer) {
    last_failure_ = fmt::format("Its last answer was status {}.", answer->status);
  }
  if (++failures_ >= options_.max_attempts) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format(
            "The upload of '{}' made no progress after byte {} and was given up after {} attempts. {}", name_,
            taken_, failures_, last_failure_));
  }
  pause(std::max(backoff_.next(), answer ? retry_after(*answer) : std::chrono::milliseconds(0)), {});
}

void ResumableUpload::withdraw() {
  if (session_.empty() || stored_) {
    return;
  }
  try {
    HttpRequest request;
    request.method = "DELETE";
    request.url = session_;
    http_.send(request);
  } catch (const Error&) {
    // An unfinished session expires after a week; the first error is more useful.
  }
}

}  // namespace tessera::gcs
