// SPDX-License-Identifier: Apache-2.0
#include "base/system.hpp"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tessera {

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void fill_random(std::span<unsigned char> bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ErrorCode::internal,
                std::string("The system gives no random bytes: ") + std::strerror(errno) + ".");
  }
}

std::string random_hex(std::size_t bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::vector<unsigned char> random(bytes);
  fill_random(random);
  std::string text;
  for (const unsigned char byte : random) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

std::int64_t open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<int>::max();
  }
  return static_cast<std::int64_t>(limit.rlim_cur);
}

std::int64_t raise_open_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // if that is refused, the old limit holds
  }
  return open_file_limit();
}

}  // namespace tessera
