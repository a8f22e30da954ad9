// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/broker_address.hpp"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>
#include <random>

#include "base/error.hpp"
#include "net/several_hosts.hpp"

namespace tessera {
namespace {

// The URL may contain a password, so messages show only the part that is wrong.
[[noreturn]] void refuse(const std::string& what) {
  throw Error(
      ErrorCode::usage,
      fmt::format("The broker's URL {}. It looks like amqp://user:password@host:5672/vhost, or, for a "
                  "cluster, amqp://user:password@host:5672,host:5672/vhost.",
                  what));
}

int number(const std::string& name, const std::string& text, int min, int max) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    refuse(fmt::format("has {}={}, which is not a whole number from {} to {}", name, text, min, max));
  }
  return value;
}

void set_parameter(BrokerAddress& address, const std::string& name, const std::string& value) {
  constexpr int max_heartbeat_s = 3600;
  constexpr int max_connect_timeout_ms = 600'000;
  if (name == "heartbeat") {
    address.heartbeat = std::chrono::seconds(number(name, value, 1, max_heartbeat_s));
  } else if (name == "connection_timeout") {
    address.connect_timeout = std::chrono::milliseconds(number(name, value, 1, max_connect_timeout_ms));
  } else if (name == "cacertfile") {
    address.ca_file = value;
  } else if (name == "certfile") {
    address.certificate_file = value;
  } else if (name == "keyfile") {
    address.key_file = value;
  } else if (name == "prefix" && !value.empty()) {
    address.prefix = value;
  } else {
    refuse(
        fmt::format("has the unknown parameter '{}'; known are heartbeat, connection_timeout, cacertfile, "
                    "certfile, keyfile "
                    "and prefix",
                    name));
  }
}

}  // namespace

std::string BrokerAddress::shown() const {
  return fmt::format("{}://{}@{}:{}{}{}", tls ? "amqps" : "amqp", user, host, port,
                     vhost.starts_with('/') ? "" : "/", vhost);
}

BrokerAddress parse_broker_url(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) {
    refuse("is not a valid URL");
  }
  BrokerAddress address;
  const boost::urls::url_view& view = *parsed;
  if (view.scheme() == "amqps") {
    address.tls = true;
    address.port = 5671;
  } else if (view.scheme() != "amqp") {
    refuse(fmt::format("begins with '{}:', neither amqp: nor amqps:", std::string(view.scheme())));
  }
  // An IPv6 address is in brackets only in the URL.
  address.host = view.host_address();
  if (address.host.empty()) {
    refuse("has no host");
  }
  if (view.has_port()) {
    constexpr int highest_port = 65535;
    address.port = number("port", std::string(view.port()), 1, highest_port);
  }
  if (view.has_userinfo()) {
    address.user = view.user();
    address.password = view.password();
  }
  const auto segments = view.segments();
  if (segments.size() > 1) {
    refuse("has more than one '/' after the host: write %2F for a slash in the vhost's name");
  }
  if (!segments.empty() && !(*segments.begin()).empty()) {
    address.vhost = *segments.begin();
  }
  for (const auto& parameter : view.params()) {
    set_parameter(address, parameter.key, parameter.value);
  }
  if (address.certificate_file.empty() != address.key_file.empty()) {
    refuse("has only one of certfile and keyfile: both are needed");
  }
  return address;
}

std::vector<BrokerAddress> parse_broker_urls(const std::string& url) {
  std::vector<BrokerAddress> addresses;
  for (const std::string& one : urls_of_hosts(url)) {
    addresses.push_back(parse_broker_url(one));
  }
  return addresses;
}

BrokerAddresses::BrokerAddresses(std::vector<BrokerAddress> addresses)
    : addresses_(std::move(addresses)), current_(std::random_device()() % addresses_.size()) {}

void BrokerAddresses::advance() { current_ = (current_ + 1) % addresses_.size(); }

}  // namespace tessera
