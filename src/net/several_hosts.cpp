// SPDX-License-Identifier: Apache-2.0
#include "net/several_hosts.hpp"

#include <algorithm>

namespace tessera {

std::vector<std::string> urls_of_hosts(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) {
    return {std::string(url)};
  }
  const std::size_t authority = scheme_end + 3;
  const std::size_t authority_end = std::min(url.find_first_of("/?#", authority), url.size());
  // A comma in the user or the password separates nothing.
  const std::size_t at = url.substr(0, authority_end).rfind('@');
  const std::size_t hosts = at == std::string_view::npos || at < authority ? authority : at + 1;
  std::vector<std::string> urls;
  for (std::size_t first = hosts;;) {
    const std::size_t last = std::min(url.find(',', first), authority_end);
    urls.push_back(std::string(url.substr(0, hosts)) + std::string(url.substr(first, last - first)) +
                   std::string(url.substr(authority_end)));
    if (last == authority_end) {
      return urls;
    }
    first = last + 1;
  }
}

}  // namespace tessera
