// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/connection.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <charconv>

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

Address parse_address(const std::string& url) {
  const auto refuse = [&](const std::string& why) {
    // Without the URL, which may contain a password.
    throw Error(ErrorCode::usage, fmt::format("The URL of the Redis server is invalid: {}. Write it as "
                                              "redis://user:password@host:6379/0.",
                                              why));
  };
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || (parsed->scheme() != "redis" && parsed->scheme() != "rediss")) {
    refuse("it must begin with redis:// or rediss:// and be a URL");
  }
  Address address;
  address.tls = parsed->scheme() == "rediss";
  address.host = parsed->host();
  if (address.host.starts_with('[')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  if (address.host.empty()) {
    refuse("it has no host");
  }
  if (parsed->has_port()) {
    const std::string port(parsed->port());
    const char* const end = port.data() + port.size();
    const auto [last, error] = std::from_chars(port.data(), end, address.port);
    if (error != std::errc() || last != end || address.port < 1 || address.port > 65535) {
      refuse("its port is not a number from 1 to 65535");
    }
  }
  address.user = parsed->user();
  address.password = parsed->password();
  std::string database(parsed->path());
  database.erase(0, 1);
  if (!database.empty()) {
    const char* const end = database.data() + database.size();
    const auto [last, error] = std::from_chars(database.data(), end, address.database);
    if (error != std::errc() || last != end || address.database < 0) {
      refuse(fmt::format("'{}' is not a database number", database));
    }
  }
  for (const auto& parameter : parsed->params()) {
    if (!address.tls || parameter.key != "cacertfile" || parameter.value.empty()) {
      refuse(
          fmt::format("'{}={}' is not understood", std::string(parameter.key), std::string(parameter.value)));
    }
    address.ca_file = parameter.value;
  }
  return address;
}

void Connection::Free::operator()(redisContext* context) const { redisFree(context); }

Connection::Connection(Address address, std::chrono::milliseconds timeout)
    : address_(std::move(address)), timeout_(timeout) {}

Connection::~Connection() = default;

void Connection::connect() {
  context_.reset(redisConnectWithTimeout(address_.host.c_str(), address_.port, to_timeval(timeout_)));
  if (!context_ || context_->err != 0) {
    const std::string reason = context_ ? context_->errstr : "out of memory";
    context_.reset();
    throw Broken(reason);
  }
  redisEnableKeepAlive(context_.get());
  if (address_.tls) {
    redisSetTimeout(context_.get(), to_timeval(timeout_));
    try {
      tls_ = std::make_unique<TlsChannel>(context_->fd, address_.host, address_.ca_file);
    } catch (...) {
      context_.reset();
      throw;
    }
  }
  if (!address_.password.empty()) {
    command(address_.user.empty() ? std::vector<std::string>{"AUTH", address_.password}
                                  : std::vector<std::string>{"AUTH", address_.user, address_.password});
  }
  if (address_.database != 0) {
    command({"SELECT", std::to_string(address_.database)});
  }
}

Reply Connection::command(const std::vector<std::string>& words, std::chrono::milliseconds blocks_for) {
  if (!context_) {
    connect();
  }
  redisSetTimeout(context_.get(), to_timeval(timeout_ + blocks_for));
  send(words);
  return receive(words.front());
}

std::vector<Reply> Connection::pipeline(const std::vector<std::vector<std::string>>& commands) {
  constexpr std::size_t max_pipelined_commands = 1000;  // the server buffers the replies
  if (!context_) {
    connect();
  }
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
  tls_.reset();
  context_.reset();
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
    if (error.starts_with("LOADING") || error.starts_with("MASTERDOWN") || error.starts_with("READONLY")) {
      break_off(error);
    }
    if (error.starts_with("WRONGPASS") || error.starts_with("NOAUTH") || error.starts_with("NOPERM")) {
      tls_.reset();
      context_.reset();
      throw Error(ErrorCode::forbidden, fmt::format("Redis at {}:{} rejects the user or the password: {}.",
                                                    address_.host, address_.port, error));
    }
    tls_.reset();
    context_.reset();  // replies to later commands may still arrive
    throw Error(ErrorCode::internal, fmt::format("Redis rejects '{}': {}.", command, error));
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
    return command(words);
  } catch (const UnknownScript&) {
    words[0] = "EVAL";
    words[1] = script.text();
    return command(words);
  }
}

}  // namespace tessera::redis
