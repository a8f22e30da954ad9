// SPDX-License-Identifier: Apache-2.0
#include "net/redact.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "base/text.hpp"

namespace tessera {
namespace {

struct Parts {
  std::string_view scheme;     ///< with "://"; empty if there is none
  std::string_view user_info;  ///< without '@'
  bool has_user_info = false;
  std::string_view authority;  ///< host and port
  std::string_view path;       ///< without query and fragment
};

Parts parts_of(std::string_view url) {
  Parts parts;
  if (const std::size_t colon = url.find("://"); colon != std::string_view::npos) {
    parts.scheme = url.substr(0, colon + 3);
    url.remove_prefix(colon + 3);
  }
  const bool http = parts.scheme == "http://" || parts.scheme == "https://";
  url = url.substr(0, url.find_first_of("?#"));
  // Unescaped database passwords may contain slashes: the last '@' ends them. Paths of web pages may contain
  // an '@'.
  const std::string_view before_host = http ? url.substr(0, url.find('/')) : url;
  if (const std::size_t at = before_host.rfind('@'); at != std::string_view::npos) {
    parts.has_user_info = true;
    parts.user_info = url.substr(0, at);
    url.remove_prefix(at + 1);
  }
  parts.authority = url.substr(0, url.find('/'));
  parts.path = url.substr(parts.authority.size());
  return parts;
}

}  // namespace

std::string redact_url(std::string_view url) {
  const Parts parts = parts_of(url);
  std::string result(parts.scheme);
  if (parts.has_user_info) {
    const std::size_t colon = parts.user_info.find(':');
    if (colon != std::string_view::npos) {
      result += parts.user_info.substr(0, colon + 1);
    }
    result += "***@";
  }
  result += parts.authority;
  result += parts.path;
  return printable(result);
}

std::string origin_of_url(std::string_view url) {
  const Parts parts = parts_of(url);
  return printable(std::string(parts.scheme) + std::string(parts.authority));
}

std::string authority_of_url(std::string_view url) {
  return ascii_lowered(std::string(parts_of(url).authority));
}

}  // namespace tessera
