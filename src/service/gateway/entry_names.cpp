// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/entry_names.hpp"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <array>

#include "base/printable.hpp"
#include "base/text.hpp"

namespace tessera::service {
namespace {

constexpr std::string_view forbidden_letters = "/\\:*?\"<>|";
constexpr std::array<std::string_view, 4> devices{"con", "prn", "aux", "nul"};
constexpr std::array<std::string_view, 2> numbered_devices{"com", "lpt"};

bool is_device(std::string_view name) {
  const std::string stem = ascii_lowered(std::string(name.substr(0, name.find('.'))));
  return std::ranges::find(devices, stem) != devices.end() ||
         (stem.size() == 4 && stem[3] >= '1' && stem[3] <= '9' &&
          std::ranges::find(numbered_devices, stem.substr(0, 3)) != numbered_devices.end());
}

/// A UTF-8 locale, independent of the process's locale; null if it is not installed.
locale_t letters() {
  static const locale_t all = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return all;
}

wint_t lowered(char32_t code) {
  return letters() == nullptr ? static_cast<wint_t>(code < 128 ? ascii_lower(static_cast<char>(code)) : code)
                              : ::towlower_l(static_cast<wint_t>(code), letters());
}

}  // namespace

std::string safe_entry_name(std::string_view name) {
  std::string safe = printable(name);
  std::ranges::replace_if(
      safe, [](char c) { return forbidden_letters.find(c) != std::string_view::npos; }, '_');
  while (!safe.empty() && (safe.back() == '.' || safe.back() == ' ')) {
    safe.pop_back();
  }
  if (safe.empty()) {
    return "result";
  }
  return is_device(safe) ? "_" + safe : safe;
}

std::string folded(std::string_view name) {
  std::string result;
  for (std::size_t at = 0; at < name.size();) {
    const auto lead = static_cast<unsigned char>(name[at]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = bytes == 1 ? lead : lead & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes && at + i < name.size(); ++i) {
      code = code << 6U | (static_cast<unsigned char>(name[at + i]) & 0x3FU);
    }
    result += std::to_string(lowered(code)) + ",";
    at += bytes;
  }
  return result;
}

}  // namespace tessera::service
