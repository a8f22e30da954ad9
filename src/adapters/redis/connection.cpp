// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "adapters/redis/sentinel.hpp"
#include "base/error.hpp"

namespace tessera::redis {
namespace {

/// The server does not have the script in its cache; the connection is intact.
class UnknownScript : public std::exception {};

timeval to_timeval(std::chrono::milliseconds time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

Reply to_reply(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_INTEGER:
      reply.kind = Reply::Kind::integer;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = Reply::Kind::list;
      for (std::size_t i = 0; i < from.elements; ++i) {
        reply.list.push_back(to_reply(*from.element[i]));
      }
      break;
    case REDIS_REPLY_NIL:
      break;
    default:
      reply.kind = Reply::Kind::text;
      reply.text.assign(from.str, from.len);
  }
  return reply;
}

}  // namespace

void Connection::Free::operator()(redisContext* context) const { redisFree(context); }

Connection::Connection(Address address, std::chrono::milliseconds timeout, ServerKind kind)
    : address_(std::move(address)), timeout_(timeout), kind_(kind), endpoint_(address_.server) {}

Connection::~Connection() = default;

std::string Connection::shown() const {
  return fmt::format("{} at {}", kind_ == ServerKind::sentinel ? "The sentinel" : "Redis", endpoint_.shown());
}

void Connection::disconnect() {
  tls_.reset();
  context_.reset();
}

Endpoint Connection::find_primary() {
  next_check_ = std::chrono::steady_clock::now() + sentinel_check_interval;
  return redis::find_primary(address_, timeout_, first_sentinel_);
}

bool Connection::primary_has_moved() {
  // One sentinel, and not for long: the connection works, and sentinels that are away must not slow it down.
  constexpr std::chrono::milliseconds max_time{500};
  next_check_ = std::chrono::steady_clock::now() + sentinel_check_interval;
  try {
    return primary_named_by(address_, first_sentinel_, max_time) != endpoint_;
  } catch (const Broken&) {
    first_sentinel_ = (first_sentinel_ + 1) % address_.sentinels.size();
    return false;
  }
}

void Connection::prepare() {
  if (context_ && address_.has_sentinels() && std::chrono::steady_clock::now() >= next_check_ &&
      primary_has_moved()) {
    break_off(fmt::format("{} is not the primary any more", endpoint_.shown()));
  }
  if (!context_) {
    connect();
  }
}

void Connection::connect() {
  if (address_.has_sentinels()) {
    endpoint_ = find_primary();
  }
  context_.reset(redisConnectWithTimeout(endpoint_.host.c_str(), endpoint_.port, to_timeval(timeout_)));
  if (!context_ || context_->err != 0) {
    const std::string reason = context_ ? context_->errstr : "out of memory";
    context_.reset();
    throw Broken(address_.has_sentinels()
                     ? fmt::format("the primary that they name, {}: {}", endpoint_.shown(), reason)
                     : reason);
  }
  try {
    log_in();
    check_server();
  } catch (...) {
    disconnect();
    throw;
  }
}

void Connection::log_in() {
  redisEnableKeepAlive(context_.get());
  redisSetTimeout(context_.get(), to_timeval(timeout_));
  if (address_.tls) {
    tls_ = std::make_unique<TlsChannel>(context_->fd, endpoint_.host, address_.ca_file);
  }
  if (!address_.password.empty()) {
    command(address_.user.empty() ? std::vector<std::string>{"AUTH", address_.password}
                                  : std::vector<std::string>{"AUTH", address_.user, address_.password});
  }
  if (address_.database != 0) {
    command({"SELECT", std::to_string(address_.database)});
  }
}

void Connection::check_server() {
  const Reply properties = command({"HELLO", "2"});
  const auto property = [&](std::string_view name) -> std::string {
    for (std::size_t i = 0; i + 1 < properties.list.size(); i += 2) {
      if (properties.list[i].text == name) {
        return properties.list[i + 1].text;
      }
    }
    return {};
  };
  const std::string mode = property("mode");
  const std::string role = property("role");
  if (mode == "cluster") {
    throw Error(
        ErrorCode::usage,
        fmt::format("{} is a node of a Redis Cluster, on which Tessera cannot keep its state, because "
                    "a change and its event lie in different slots. Use a server with "
                    "'cluster-enabled no'; for failover, Redis Sentinel (redis+sentinel://).",
                    shown()));
  }
  if (kind_ == ServerKind::data && mode == "sentinel") {
    throw Error(ErrorCode::usage,
                fmt::format("{} is a sentinel: name it in a URL redis+sentinel://host:port,host:port/NAME.",
                            shown()));
  }
  if (kind_ == ServerKind::sentinel && mode != "sentinel") {
    throw Error(ErrorCode::usage,
                fmt::format("{} is no sentinel: use a URL redis://host:port for a server of "
                            "its own.",
                            shown()));
  }
  if (address_.has_sentinels() && role != "master") {
    break_off(fmt::format("{} is a {} and waits for a failover to end", endpoint_.shown(), role));
  }
}

Reply Connection::command(const std::vector<std::string>& words, std::chrono::milliseconds blocks_for) {
  prepare();
  redisSetTimeout(context_.get(), to_timeval(timeout_ + blocks_for));
  send(words);
  return receive(words.front());
}

Reply Connection::write(const std::vector<std::string>& words) {
  Reply reply = command(words);
  confirm_by_replicas();
  return reply;
}

void Connection::confirm_by_replicas() {
  if (address_.replicas == 0) {
    return;
  }
  const std::chrono::milliseconds limit = timeout_ / 2;
  // It covers what other connections changed before, so repeating a change that has been made confirms it.
  const std::int64_t confirmed =
      command({"WAIT", std::to_string(address_.replicas), std::to_string(limit.count())}, limit).integer;
  if (confirmed < address_.replicas) {
    const std::string server = shown();
    disconnect();  // it may be cut off from its replicas and from the sentinels: ask them the next time
    throw Error(
        ErrorCode::unavailable,
        fmt::format("{} has {} replicas that confirm a change within {} ms, and {} must: see that the "
                    "replicas run and reach it.",
                    server, confirmed, limit.count(), address_.replicas));
  }
}

std::vector<Reply> Connection::pipeline(const std::vector<std::vector<std::string>>& commands) {
  constexpr std::size_t max_pipelined_commands = 1000;  // the server buffers the replies
  prepare();
  redisSetTimeout(context_.get(), to_timeval(timeout_));
  std::vector<Reply> replies;
  for (std::size_t first = 0; first < commands.size(); first = replies.size()) {
    const std::size_t last = std::min(commands.size(), first + max_pipelined_commands);
    for (std::size_t i = first; i < last; ++i) {
      send(commands[i]);
    }
    for (std::size_t i = first; i < last; ++i) {
      replies.push_back(receive(commands[i].front()));
    }
  }
  return replies;
}

void Connection::break_off(const std::string& reason) {
  Broken broken(reason);  // before the reset: `reason` may be part of the context
  disconnect();
  throw broken;
}

void Connection::send(const std::vector<std::string>& words) {
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    sizes.push_back(word.size());
  }
  const int count = static_cast<int>(words.size());
  if (!tls_) {
    if (redisAppendCommandArgv(context_.get(), count, pointers.data(), sizes.data()) != REDIS_OK) {
      break_off(context_->errstr);
    }
    return;
  }
  // hiredis formats commands and parses replies; the bytes go through TLS.
  char* text = nullptr;
  const int size = redisFormatCommandArgv(&text, count, pointers.data(), sizes.data());
  if (size < 0) {
    throw Error(ErrorCode::internal, "Out of memory for a Redis command.");
  }
  const std::unique_ptr<char, void (*)(char*)> command(text, &redisFreeCommand);
  try {
    tls_->write({text, static_cast<std::size_t>(size)});
  } catch (const Broken& broken) {
    break_off(broken.what());
  }
}

redisReply* Connection::next_answer() {
  void* answer = nullptr;
  if (!tls_) {
    if (redisGetReply(context_.get(), &answer) != REDIS_OK || answer == nullptr) {
      break_off(context_->errstr);
    }
    return static_cast<redisReply*>(answer);
  }
  try {
    for (;;) {
      if (redisReaderGetReply(context_->reader, &answer) != REDIS_OK) {
        throw Broken(context_->reader->errstr);
      }
      if (answer != nullptr) {
        return static_cast<redisReply*>(answer);
      }
      const std::string_view bytes = tls_->read();
      if (redisReaderFeed(context_->reader, bytes.data(), bytes.size()) != REDIS_OK) {
        throw Broken(context_->reader->errstr);
      }
    }
  } catch (const Broken& broken) {
    break_off(broken.what());
  }
}

Reply Connection::receive(const std::string& command) {
  const std::unique_ptr<redisReply, void (*)(void*)> answer(next_answer(), &freeReplyObject);
  if (answer->type == REDIS_REPLY_ERROR) {
    const std::string error(answer->str, answer->len);
    if (error.starts_with("NOSCRIPT")) {
      throw UnknownScript();
    }
    if (error.starts_with("LOADING") || error.starts_with("MASTERDOWN") || error.starts_with("READONLY") ||
        error.starts_with("NOREPLICAS")) {
      break_off(error);
    }
    if (error.starts_with("WRONGPASS") || error.starts_with("NOAUTH") || error.starts_with("NOPERM")) {
      disconnect();
      throw Error(ErrorCode::forbidden,
                  fmt::format("{} rejects the user or the password: {}.", shown(), error));
    }
    disconnect();  // replies to later commands may still arrive
    throw Error(ErrorCode::internal, fmt::format("{} rejects '{}': {}.", shown(), command, error));
  }
  return to_reply(*answer);
}

Script::Script(std::string text) : text_(std::move(text)) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text_.data(), text_.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) {
    throw Error(ErrorCode::internal, "OpenSSL cannot compute SHA-1, which identifies Redis scripts.");
  }
  for (unsigned int i = 0; i < size; ++i) {
    digest_ += fmt::format("{:02x}", digest.at(i));
  }
}

Reply Connection::script(const Script& script, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"EVALSHA", script.digest(), "0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  try {
    return write(words);
  } catch (const UnknownScript&) {
    words[0] = "EVAL";
    words[1] = script.text();
    return write(words);
  }
}

}  // namespace tessera::redis
