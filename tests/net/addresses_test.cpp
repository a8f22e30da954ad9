// SPDX-License-Identifier: Apache-2.0
#include "net/addresses.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "net/http_client.hpp"
#include "servers/server_process.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

sockaddr_storage address(const std::string& text) {
  sockaddr_storage storage{};
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
  } else if (::inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
  } else {
    ADD_FAILURE() << text << " is no address";
  }
  return storage;
}

TEST(Addresses, KnowWhatIsPublic) {
  for (const char* text : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "100.63.255.255",
                           "100.128.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111",
                           "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    const sockaddr_storage one = address(text);
    EXPECT_TRUE(is_public_address(reinterpret_cast<const sockaddr&>(one))) << text;
    EXPECT_EQ(address_text(reinterpret_cast<const sockaddr&>(one)), text);
  }
  for (const char* text : {"0.0.0.0",
                           "10.0.0.1",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.0.1",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "198.18.0.1",
                           "203.0.113.9",
                           "224.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fc00::1",
                           "fe80::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "::ffff:127.0.0.1",
                           "::ffff:169.254.169.254",
                           "64:ff9b::a00:1",
                           "2002:7f00:1::"}) {
    const sockaddr_storage one = address(text);
    EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(one))) << text;
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  EXPECT_FALSE(is_public_address(other));
}

TEST(Addresses, AreCheckedWhereANameLeads) {
  HttpOptions options;
  options.public_addresses_only = true;
  HttpClient client(options);
  for (const char* host : {"127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433"}) {
    try {
      HttpRequest request;
      request.url = std::string("http://") + host + ":" + std::to_string(testing::free_port()) + "/";
      client.send(request);
      ADD_FAILURE() << host;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::forbidden) << host << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find("not on the public Internet"), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace tessera
