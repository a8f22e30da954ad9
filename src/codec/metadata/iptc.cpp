// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/iptc.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace tessera {
namespace {

constexpr std::string_view resource_mark = "8BIM";
constexpr std::size_t iptc_resource = 0x0404;
constexpr std::byte dataset_mark{0x1C};

std::size_t number(std::span<const std::byte> bytes) {
  std::size_t value = 0;
  for (const std::byte one : bytes) {
    value = value << 8 | static_cast<std::size_t>(one);
  }
  return value;
}

bool starts_with(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(),
                    [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

bool names_place(std::size_t record, std::size_t dataset) {
  constexpr std::array<std::size_t, 7> places{26, 27, 90, 92, 95, 100, 101};
  return record == 2 && std::find(places.begin(), places.end(), dataset) != places.end();
}

}  // namespace

Bytes iptc_from_photoshop(std::span<const std::byte> resources) {
  if (!resources.empty() && resources.front() == dataset_mark) {
    return {resources.begin(), resources.end()};
  }
  // Mark, number, name (its length, even with it), length, content, even.
  while (starts_with(resources, resource_mark) && resources.size() >= 12) {
    const std::size_t id = number(resources.subspan(4, 2));
    const std::size_t name_bytes = 1 + static_cast<std::size_t>(resources[6]);
    const std::size_t at = 6 + name_bytes + name_bytes % 2;
    if (at + 4 > resources.size()) {
      break;
    }
    const std::size_t bytes = number(resources.subspan(at, 4));
    const auto content = resources.subspan(at + 4);
    if (bytes > content.size()) {
      break;
    }
    if (id == iptc_resource) {
      return {content.begin(), content.begin() + static_cast<std::ptrdiff_t>(bytes)};
    }
    resources = content.subspan(std::min(content.size(), bytes + bytes % 2));
  }
  return {};
}

Bytes photoshop_from_iptc(const Bytes& iptc) {
  Bytes out;
  const auto add = [&out](std::size_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
      out.push_back(static_cast<std::byte>(value >> (8 * i)));
    }
  };
  for (const char letter : resource_mark) {
    out.push_back(static_cast<std::byte>(letter));
  }
  add(iptc_resource, 2);
  add(0, 2);
  add(iptc.size(), 4);
  out.insert(out.end(), iptc.begin(), iptc.end());
  if (iptc.size() % 2 != 0) {
    out.push_back(std::byte{0});
  }
  return out;
}

Bytes iptc_without_location(const Bytes& iptc) {
  Bytes out;
  std::span<const std::byte> rest(iptc);
  // Mark, record, number, length; a length beyond 32767 says in how many bytes the real one follows.
  while (rest.size() >= 5 && rest.front() == dataset_mark) {
    std::size_t bytes = number(rest.subspan(3, 2));
    std::size_t head = 5;
    if (bytes >= 0x8000) {
      const std::size_t wide = bytes & 0x7FFF;
      if (wide > 4 || rest.size() < head + wide) {
        return {};
      }
      bytes = number(rest.subspan(head, wide));
      head += wide;
    }
    if (bytes > rest.size() - head) {
      return {};
    }
    if (!names_place(static_cast<std::size_t>(rest[1]), static_cast<std::size_t>(rest[2]))) {
      out.insert(out.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(head + bytes));
    }
    rest = rest.subspan(head + bytes);
  }
  const bool padding = std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{0}; });
  return padding ? out : Bytes();
}

}  // namespace tessera
