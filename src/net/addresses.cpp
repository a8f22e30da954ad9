// SPDX-License-Identifier: Apache-2.0
#include "net/addresses.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace tessera {
namespace {

struct Block {
  std::array<std::uint8_t, 16> prefix;
  int bits;
};

// https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
constexpr std::array<Block, 15> special_ipv4{{{{0}, 8},
                                              {{10}, 8},
                                              {{100, 64}, 10},
                                              {{127}, 8},
                                              {{169, 254}, 16},
                                              {{172, 16}, 12},
                                              {{192, 0, 0}, 24},
                                              {{192, 0, 2}, 24},
                                              {{192, 88, 99}, 24},
                                              {{192, 168}, 16},
                                              {{198, 18}, 15},
                                              {{198, 51, 100}, 24},
                                              {{203, 0, 113}, 24},
                                              {{224}, 4},
                                              {{240}, 4}}};
constexpr Block global_unicast_ipv6{{0x20}, 3};
constexpr std::array<Block, 3> special_ipv6{{{{0x20, 0x01, 0x00}, 23},  // protocol assignments, Teredo
                                             {{0x20, 0x01, 0x0d, 0xb8}, 32},
                                             {{0x3f, 0xff}, 20}}};
constexpr Block mapped_ipv4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Block translated_ipv4{{0x00, 0x64, 0xff, 0x9b}, 96};
constexpr Block six_to_four{{0x20, 0x02}, 16};

bool is_in(std::span<const std::uint8_t> address, const Block& block) {
  for (int bit = 0; bit < block.bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    if (((address[at] ^ block.prefix[at]) & (0x80U >> (bit % 8))) != 0) {
      return false;
    }
  }
  return true;
}

bool is_public_ipv4(std::span<const std::uint8_t> address) {
  return std::ranges::none_of(special_ipv4, [&](const Block& block) { return is_in(address, block); });
}

bool is_public_ipv6(std::span<const std::uint8_t> address) {
  if (is_in(address, mapped_ipv4) || is_in(address, translated_ipv4)) {
    return is_public_ipv4(address.subspan(12, 4));
  }
  if (is_in(address, six_to_four)) {
    return is_public_ipv4(address.subspan(2, 4));
  }
  return is_in(address, global_unicast_ipv6) &&
         std::ranges::none_of(special_ipv6, [&](const Block& block) { return is_in(address, block); });
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof ipv4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &ipv4.sin_addr, bytes.size());
    return is_public_ipv4(bytes);
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof ipv6);
    return is_public_ipv6(ipv6.sin6_addr.s6_addr);
  }
  return false;
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&ipv4, &address, sizeof ipv4);
    bytes = &ipv4.sin_addr;
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&ipv6, &address, sizeof ipv6);
    bytes = &ipv6.sin6_addr;
  }
  const char* const written =
      bytes == nullptr ? nullptr : ::inet_ntop(address.sa_family, bytes, text.data(), text.size());
  return written == nullptr ? "an address of another kind" : written;
}

}  // namespace tessera
