// SPDX-License-Identifier: Apache-2.0
#include "adapters/path_url.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {

std::filesystem::path absolute_path_of(std::string_view url, std::string_view scheme, std::string_view what,
                                       std::string_view example) {
  if (!url.starts_with(scheme) || url.size() < scheme.size() + 2 || url[scheme.size()] != '/') {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not the URL of a {}: write {} and an absolute path, as in {}.", url,
                            what, scheme, example));
  }
  return url.substr(scheme.size());
}

}  // namespace tessera
