// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/address.hpp"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "net/several_hosts.hpp"

namespace tessera::redis {
namespace {

constexpr int sentinel_port = 26379;
constexpr int max_port = 65535;
constexpr int max_replicas = 100;

// Without the URL, which may contain a password.
[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("The URL of the Redis server is invalid: {}. Write it as "
                                            "redis://user:password@host:6379/0 or, with Sentinel, "
                                            "redis+sentinel://user:password@host:26379,host:26379/NAME/0.",
                                            why));
}

std::optional<int> number(const std::string& text, int min, int max) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && last == end && value >= min && value <= max ? std::optional(value)
                                                                             : std::nullopt;
}

Endpoint endpoint_of(const boost::urls::url_view& url, int default_port) {
  // An IPv6 address is in brackets only in the URL.
  Endpoint endpoint{std::string(url.host_address()), default_port};
  if (endpoint.host.empty()) {
    refuse("it has no host");
  }
  if (url.has_port()) {
    const auto port = number(std::string(url.port()), 1, max_port);
    if (!port) {
      refuse(fmt::format("its port is not a number from 1 to {}", max_port));
    }
    endpoint.port = *port;
  }
  return endpoint;
}

void read_path(Address& address, std::string path) {
  path.erase(0, 1);
  if (address.has_sentinels()) {
    const std::size_t slash = path.find('/');
    address.primary_name = path.substr(0, slash);
    path = slash == std::string::npos ? "" : path.substr(slash + 1);
    if (address.primary_name.empty()) {
      refuse("it does not say what the sentinels call the primary");
    }
  }
  if (path.empty()) {
    return;
  }
  constexpr int max_database = 1'000'000;  // the server has its own limit
  const auto database = number(path, 0, max_database);
  if (!database) {
    refuse(fmt::format("'{}' is not a database number", path));
  }
  address.database = *database;
}

void read_parameter(Address& address, const std::string& name, const std::string& value) {
  if (name == "cacertfile" && address.tls && !value.empty()) {
    address.ca_file = value;
  } else if (name == "replicas") {
    const auto replicas = number(value, 0, max_replicas);
    if (!replicas) {
      refuse(
          fmt::format("it has replicas={}, which is not a whole number from 0 to {}", value, max_replicas));
    }
    address.replicas = *replicas;
  } else if (name == "sentinel_user" && address.has_sentinels()) {
    address.sentinel_user = value;
  } else if (name == "sentinel_password" && address.has_sentinels()) {
    address.sentinel_password = value;
  } else {
    refuse(fmt::format("the parameter '{}' is not understood here", name));
  }
}

}  // namespace

std::string Endpoint::shown() const { return fmt::format("{}:{}", host, port); }

std::string Address::shown() const {
  if (!has_sentinels()) {
    return "Redis at " + server.shown();
  }
  std::string list;
  for (const Endpoint& sentinel : sentinels) {
    list += (list.empty() ? "" : ", ") + sentinel.shown();
  }
  return fmt::format("Redis '{}' of the sentinels {}", primary_name, list);
}

Address parse_address(const std::string& url) {
  const std::vector<std::string> urls = urls_of_hosts(url);
  Address address;
  bool with_sentinels = false;
  for (const std::string& one : urls) {
    const auto parsed = boost::urls::parse_uri(one);
    if (!parsed) {
      refuse("it is not a URL");
    }
    const std::string scheme(parsed->scheme());
    with_sentinels = scheme == "redis+sentinel" || scheme == "rediss+sentinel";
    address.tls = scheme.starts_with("rediss");
    if (!with_sentinels && scheme != "redis" && scheme != "rediss") {
      refuse("it must begin with redis://, rediss://, redis+sentinel:// or rediss+sentinel://");
    }
    if (with_sentinels) {
      address.sentinels.push_back(endpoint_of(*parsed, sentinel_port));
    } else {
      address.server = endpoint_of(*parsed, address.server.port);
    }
  }
  if (urls.size() > 1 && !with_sentinels) {
    refuse("it lists several hosts, which only sentinels may be");
  }
  const auto parsed = boost::urls::parse_uri(urls.front());
  address.user = parsed->user();
  address.password = parsed->password();
  read_path(address, parsed->path());
  for (const auto& parameter : parsed->params()) {
    read_parameter(address, parameter.key, parameter.value);
  }
  return address;
}

}  // namespace tessera::redis
