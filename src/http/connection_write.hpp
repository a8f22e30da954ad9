// SPDX-License-Identifier: Apache-2.0
// Writing responses: texts, files, produced content and event streams.
#pragma once

#include <charconv>

#include "http/connection.hpp"

namespace tessera::http {

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_all(std::vector<asio::const_buffer> buffers) {
  limit_time(state_->options.stall_timeout);
  const auto [problem, count] = co_await asio::async_write(*stream_, buffers, token);
  sent_bytes_ += static_cast<std::int64_t>(count);
  co_return !problem;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_one(asio::const_buffer buffer) {
  std::vector<asio::const_buffer> buffers(1, buffer);
  co_return co_await write_all(std::move(buffers));
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_text(Request& request, const Response& response, bool keep) {
  const auto* const shared = std::get_if<SharedContent>(&response.content);
  const std::string& text = shared != nullptr ? *shared->bytes : std::get<std::string>(response.content);
  const bool bodiless = response.status == 204 || response.status == 304;
  const std::string header = write_header(
      response, request, bodiless ? std::nullopt : std::optional(static_cast<std::int64_t>(text.size())),
      false, keep);
  std::vector<asio::const_buffer> buffers{asio::buffer(header)};
  if (request.method != "HEAD" && !bodiless) {
    buffers.push_back(asio::buffer(text));
  }
  sent_status_ = response.status;
  const bool sent = co_await write_all(std::move(buffers));
  co_return sent&& keep;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_response(Request& request, Response response, bool keep) {
  const bool head = request.method == "HEAD";
  if (std::holds_alternative<std::string>(response.content) ||
      std::holds_alternative<SharedContent>(response.content)) {
    co_return co_await write_text(request, response, keep);
  }
  std::shared_ptr<ProducerSlot> slot;
  if (auto* const content = std::get_if<ProducedContent>(&response.content); content != nullptr && !head) {
    slot = state_->acquire_producer_slot(content->owner);
    if (!slot) {
      const Response full = problem_response(
          make_problem(Error(ErrorCode::busy,
                             "The limit for concurrent downloads of this kind, in total or for one owner, is "
                             "reached; try again when one has ended.")),
          request.path);
      co_return co_await write_text(request, full, keep);
    }
  }

  std::optional<std::int64_t> size;
  bool ranges = true;
  const auto* const file = std::get_if<FileContent>(&response.content);
  auto* const produced = std::get_if<ProducedContent>(&response.content);
  auto* const push = std::get_if<PushContent>(&response.content);
  if (file != nullptr) {
    size = file->file->size();
  } else if (produced != nullptr) {
    size = produced->size_bytes;
    ranges = produced->ranges && size;
  } else {
    ranges = false;
  }
  std::optional<Span> span;
  if (ranges && response.status == 200) {
    response.with("Accept-Ranges", "bytes");
    const std::string condition = request.header("If-Range");
    std::string tag;
    for (const auto& [name, value] : response.headers) {
      tag = name == "ETag" ? value : tag;
    }
    const RangeAnswer answer = condition.empty() || condition == tag
                                   ? parse_range(request.header("Range"), *size)
                                   : RangeAnswer(WholeBody{});
    if (std::holds_alternative<Unsatisfiable>(answer)) {
      Response none = text_response(416, "", "text/plain");
      none.with("Content-Range", "bytes */" + std::to_string(*size));
      co_return co_await write_text(request, none, keep);
    }
    if (const auto* const requested = std::get_if<Span>(&answer)) {
      span = *requested;
      response.status = 206;
      response.with("Content-Range", "bytes " + std::to_string(span->first) + "-" +
                                         std::to_string(span->last) + "/" + std::to_string(*size));
      size = span->last - span->first + 1;
    }
  }
  sent_status_ = response.status;
  // HTTP/1.0 has no chunks: the end of the connection is the end of the body.
  const bool chunked = !size && request.version >= 11;
  const std::string header = write_header(response, request, size, chunked, keep && (size || chunked));
  if (head) {
    if (push != nullptr) {
      push->channel->close();
    }
    const bool sent = co_await write_one(asio::buffer(header));
    co_return sent&& keep;
  }
  const bool sent_header = co_await write_one(asio::buffer(header));
  if (!sent_header) {
    if (push != nullptr) {
      push->channel->close();
    }
    co_return false;
  }
  if (file != nullptr) {
    const bool sent = co_await write_file(*file, span ? span->first : 0, *size);
    co_return sent&& keep;
  }
  std::optional<std::chrono::milliseconds> interval;
  if (produced != nullptr) {
    channel_ = std::make_shared<Channel>();
    produce(std::move(*produced), span, std::move(slot));
  } else {
    channel_ = push->channel;
    if (!push->heartbeat.empty()) {
      interval = push->heartbeat_interval;
    }
    watched_ = true;
    spawn("watching a stream's client", [self = this->shared_from_this()] { return self->watch_for_end(); });
  }
  const std::int64_t before = sent_bytes_;
  std::string heartbeat;
  if (push != nullptr) {
    heartbeat = push->heartbeat;
  }
  const bool sent = co_await write_channel(chunked, std::move(heartbeat), interval);
  channel_.reset();
  // After a body shorter than announced, the connection must not be reused.
  const bool complete = !size || sent_bytes_ - before == *size;
  co_return sent&& keep && !watched_ && complete && (size || chunked);
}

template <class Stream>
void StreamConnection<Stream>::produce(ProducedContent content, const std::optional<Span>& span,
                                       std::shared_ptr<ProducerSlot> slot) {
  asio::post(
      state_->producers, [channel = channel_, content = std::move(content), span, slot = std::move(slot)] {
        struct Writer final : ByteSink {
          explicit Writer(Channel& to) : channel(to) {}
          void write(std::span<const std::byte> bytes) override {
            if (!channel.put(std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes.data()),
                                                                 bytes.size()))) {
              throw Error(ErrorCode::cancelled, "The client has disconnected.");
            }
          }
          Channel& channel;
        } writer(*channel);
        bool failed = false;
        try {
          content.produce(writer, span ? std::optional(ByteRange{span->first, span->last}) : std::nullopt);
        } catch (...) {
          failed = true;  // the client sees a truncated body
        }
        channel->finish(failed);
      });
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_file(const FileContent& content, std::int64_t first,
                                                     std::int64_t size) {
  std::vector<char> piece(static_cast<std::size_t>(std::min<std::int64_t>(size, std::int64_t{256} << 10)));
  while (size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(size, std::ssize(piece)));
    std::size_t count = 0;
    try {
      co_await on_file_thread([&] { count = content.file->read_at(first, {piece.data(), wanted}); });
    } catch (const Error&) {
      co_return false;
    }
    if (count == 0) {
      co_return false;
    }
    const bool sent = co_await write_one(asio::buffer(piece.data(), count));
    if (!sent) {
      co_return false;
    }
    first += static_cast<std::int64_t>(count);
    size -= static_cast<std::int64_t>(count);
  }
  co_return true;
}

template <class Stream>
awaitable<bool> StreamConnection<Stream>::write_channel(bool chunked, std::string heartbeat,
                                                        std::optional<std::chrono::milliseconds> interval) {
  const auto channel = channel_;
  const auto wake = std::make_shared<asio::steady_timer>(stream_->get_executor());
  const ChannelWaker waker(*channel, cancels(wake));
  if (stopping_) {
    channel->finish();
  }
  const std::string line_end = "\r\n";
  for (;;) {
    Channel::Taken taken = channel->take();
    if (taken.messages.empty() && !taken.ended) {
      auto until = std::chrono::steady_clock::time_point::max();
      if (interval) {
        until = std::chrono::steady_clock::now() + *interval;
      }
      wake->expires_at(until);
      const auto [cancelled] = co_await wake->async_wait(token);
      if (cancelled) {
        continue;
      }
      taken.messages.push_back(std::make_shared<const std::string>(heartbeat));
    }
    std::size_t size = 0;
    std::vector<asio::const_buffer> buffers;
    for (const Message& message : taken.messages) {
      buffers.push_back(asio::buffer(*message));
      size += message->size();
    }
    std::string head;
    if (chunked && size > 0) {
      std::array<char, 20> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
      head.assign(digits.data(), end);
      head += line_end;
      buffers.insert(buffers.begin(), asio::buffer(head));
      buffers.push_back(asio::buffer(line_end));
    }
    static constexpr std::string_view last_chunk = "0\r\n\r\n";
    if (taken.ended && chunked && !taken.broken) {
      buffers.push_back(asio::buffer(last_chunk));
    }
    bool sent = true;
    if (!buffers.empty()) {
      sent = co_await write_all(std::move(buffers));
    }
    if (!sent || taken.broken || channel->closed()) {
      channel->close();
      co_return false;
    }
    if (taken.ended) {
      co_return true;
    }
  }
}

template <class Stream>
awaitable<void> StreamConnection<Stream>::watch_for_end() {
  const auto channel = channel_;
  std::array<char, 512> ignored{};
  beast::get_lowest_layer(*stream_).expires_never();
  for (;;) {
    const auto [problem, count] = co_await stream_->async_read_some(asio::buffer(ignored), token);
    static_cast<void>(count);
    if (problem) {
      channel->close();
      co_return;
    }
  }
}

}  // namespace tessera::http
