// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/idempotency.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "net/crypto.hpp"

namespace tessera::service {
namespace {

constexpr const char* header_name = "Idempotency-Key";
constexpr std::size_t max_key_bytes = 255;

}  // namespace

DocumentedHeader documented_idempotency_key() {
  return {header_name,
          fmt::format("A text of at most {} bytes of the client's choice: a request that is repeated with "
                      "it is not done twice.",
                      max_key_bytes)};
}

std::string idempotency_key_of(const http::Request& request) {
  std::string key = request.header(header_name);
  if (key.size() > max_key_bytes) {
    throw Error(ErrorCode::usage,
                fmt::format("The Idempotency-Key has {} bytes; the limit is {}.", key.size(), max_key_bytes));
  }
  return key;
}

KeyInFlight::KeyInFlight(std::mutex& mutex, std::set<std::string>& keys, const std::string& owner,
                         const std::string& key)
    : mutex_(mutex), keys_(keys), key_(key.empty() ? std::string() : owner + "/" + key) {
  const std::scoped_lock lock(mutex_);
  if (!key_.empty() && !keys_.insert(key_).second) {
    throw http::ProblemError(
        http::make_problem("in-flight", "A request with this Idempotency-Key is in progress; wait for it."));
  }
}

KeyInFlight::~KeyInFlight() {
  const std::scoped_lock lock(mutex_);
  keys_.erase(key_);
}

std::string fingerprint_of(const http::Body& body) {
  Sha256 hash;
  const auto source = body.open();
  std::array<std::byte, 64 * 1024> piece{};
  while (const std::size_t count = source->read(piece)) {
    hash.update({reinterpret_cast<const char*>(piece.data()), count});
  }
  return to_hex(hash.finish());
}

}  // namespace tessera::service
