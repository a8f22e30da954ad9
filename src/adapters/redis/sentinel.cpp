// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/sentinel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "adapters/redis/connection.hpp"

namespace tessera::redis {
namespace {

/// A host that is down must not use up the time in which the others can be asked.
constexpr std::chrono::milliseconds max_sentinel_timeout{2000};

Address address_of(const Endpoint& sentinel, const Address& address) {
  Address result;
  result.server = sentinel;
  result.user = address.sentinel_user;
  result.password = address.sentinel_password;
  result.tls = address.tls;
  result.ca_file = address.ca_file;
  return result;
}

}  // namespace

Endpoint primary_named_by(const Address& address, std::size_t number, std::chrono::milliseconds timeout) {
  Connection connection(address_of(address.sentinels.at(number), address), timeout, ServerKind::sentinel);
  const Reply reply = connection.command({"SENTINEL", "get-master-addr-by-name", address.primary_name});
  if (reply.list.size() != 2) {
    throw Broken(fmt::format("it watches no '{}'", address.primary_name));
  }
  Endpoint primary{reply.list[0].text, 0};
  const std::string& port = reply.list[1].text;
  std::from_chars(port.data(), port.data() + port.size(), primary.port);
  return primary;
}

Endpoint find_primary(const Address& address, std::chrono::milliseconds timeout, std::size_t& first) {
  std::string said;
  const std::size_t count = address.sentinels.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = (first + i) % count;
    try {
      Endpoint primary = primary_named_by(address, number, std::min(timeout, max_sentinel_timeout));
      first = number;
      return primary;
    } catch (const Broken& broken) {
      said += fmt::format("{}{}: {}", said.empty() ? "" : "; ", address.sentinels.at(number).shown(),
                          broken.what());
    }
  }
  throw Broken(fmt::format("no sentinel names the primary ({})", said));
}

}  // namespace tessera::redis
