// SPDX-License-Identifier: Apache-2.0
#include "client/part_sender.hpp"

#include <algorithm>
#include <exception>
#include <thread>

#include "base/error.hpp"
#include "net/backoff.hpp"
#include "net/crypto.hpp"

namespace tessera {
namespace {

constexpr int max_connections = 4;
/// A part is given up after this many failures in a row: with the pauses between them some two minutes.
constexpr int max_failures = 12;
constexpr std::size_t links_asked_for = 100;
constexpr std::chrono::milliseconds first_backoff{250};
constexpr std::chrono::milliseconds max_backoff{20'000};

}  // namespace

void PartSender::take_links(const Json& links) {
  const std::scoped_lock lock(links_mutex_);
  keep_links(links);
}

void PartSender::keep_links(const Json& links) {
  for (const Json& link : links) {
    links_[link.at("number")] = link.at("url");
  }
}

std::int64_t PartSender::bytes_of(int number) const {
  return std::min(upload_.part_bytes, upload_.size_bytes - (number - 1) * upload_.part_bytes);
}

bool PartSender::resume(const BegunUpload& upload, const std::stop_token& stop) {
  upload_ = upload;
  Json received;
  try {
    received = client_.get("/v1/uploads/parts?object=" + percent_encode(upload.object) +
                               "&upload=" + percent_encode(upload.upload),
                           stop);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::conflict) {
      return false;
    }
    throw;
  }
  for (const Json& part : received.at("parts")) {
    const int number = part.at("number");
    if (part.at("size_bytes") == bytes_of(number)) {
      sent_bytes_.emplace(number, bytes_of(number));
      arrived_bytes_ += bytes_of(number);
    }
  }
  return true;
}

void PartSender::send(const BegunUpload& upload, const std::stop_token& stop) {
  upload_ = upload;
  for (int number = 1; number <= upload_.count; ++number) {
    if (!sent_bytes_.contains(number)) {
      waiting_.insert(number);
    }
  }
  sent_bytes_.clear();
  const auto written = std::filesystem::last_write_time(file_);
  send_parts(stop);
  if (std::filesystem::last_write_time(file_) != written ||
      static_cast<std::int64_t>(std::filesystem::file_size(file_)) != upload_.size_bytes) {
    throw Error(ErrorCode::io, "'" + file_.string() + "' changed while it was uploaded: submit it again.");
  }
  client_.post("/v1/uploads/complete",
               {{"object", upload_.object}, {"upload", upload_.upload}, {"size_bytes", upload_.size_bytes}},
               {}, stop);
}

void PartSender::send_parts(const std::stop_token& stop) {
  // The first failure stops the others.
  std::stop_source failed;
  const std::stop_callback stop_all(stop, [&] { failed.request_stop(); });
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      while (!failed.stop_requested()) {
        int number = 0;
        {
          const std::scoped_lock lock(mutex_);
          if (waiting_.empty()) {
            return;
          }
          number = *waiting_.begin();
          waiting_.erase(waiting_.begin());
        }
        send_part(number, failed.get_token());
      }
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!failure) {
        failure = std::current_exception();
      }
      failed.request_stop();
    }
  };
  {
    std::vector<std::jthread> senders;
    for (int i = 1; i < std::min(max_connections, static_cast<int>(waiting_.size())); ++i) {
      senders.emplace_back(work);
    }
    work();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  if (stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, "The upload was stopped.");
  }
}

void PartSender::send_part(int number, const std::stop_token& stop) {
  Backoff backoff(first_backoff, max_backoff);
  for (int failures = 0;;) {
    HttpRequest put;
    put.method = "PUT";
    put.url = link_of(number, failures > 0, stop);
    const auto body = open_file_part(file_, (number - 1) * upload_.part_bytes, bytes_of(number));
    put.body_source = body.get();
    put.on_progress = [&](std::int64_t sent, std::int64_t) {
      const std::scoped_lock lock(mutex_);
      sent_bytes_[number] = sent;
      tell_progress();
    };
    try {
      const HttpResponse response = http_.send(put, stop);
      if (response.status >= 200 && response.status < 300) {
        const std::scoped_lock lock(mutex_);
        sent_bytes_.erase(number);
        arrived_bytes_ += bytes_of(number);
        tell_progress();
        return;
      }
      // 403 also: the link has expired.
      const bool final = is_permanent_failure(response.status) && response.status != 403;
      if (final || ++failures >= max_failures) {
        throw_problem(response, put.url);
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable || ++failures >= max_failures) {
        throw;
      }
    }
    pause(backoff.next(), stop);
  }
}

std::string PartSender::link_of(int number, bool anew, const std::stop_token& stop) {
  const std::scoped_lock lock(links_mutex_);
  if (anew) {
    links_.erase(number);
  }
  auto found = links_.find(number);
  if (found == links_.end()) {
    Json numbers{number};
    {
      const std::scoped_lock parts_lock(mutex_);
      for (auto next = waiting_.begin(); next != waiting_.end() && numbers.size() < links_asked_for; ++next) {
        numbers.push_back(*next);
      }
    }
    const Json answer = client_.post("/v1/uploads/links",
                                     {{"object", upload_.object},
                                      {"upload", upload_.upload},
                                      {"size_bytes", upload_.size_bytes},
                                      {"parts", std::move(numbers)}},
                                     {}, stop);
    keep_links(answer.at("links"));
    found = links_.find(number);
    if (found == links_.end()) {
      throw Error(ErrorCode::unavailable, "The server makes no link for a part of the upload: try again.");
    }
  }
  return found->second;
}

/// With mutex_ locked.
void PartSender::tell_progress() {
  if (!progress_) {
    return;
  }
  std::int64_t sent = arrived_bytes_;
  for (const auto& [number, bytes] : sent_bytes_) {
    sent += std::min(bytes, bytes_of(number));
  }
  progress_(static_cast<double>(sent) / static_cast<double>(upload_.size_bytes));
}

}  // namespace tessera
