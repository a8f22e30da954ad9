// SPDX-License-Identifier: Apache-2.0
// URLs of local paths. Private to the adapters.
#pragma once

#include <filesystem>
#include <string_view>

namespace tessera {

/// The path after `scheme` ("file://"), taken literally, without escapes. Throws Error(usage), naming `what`
/// and an example, if the URL has another scheme or no absolute path.
[[nodiscard]] std::filesystem::path absolute_path_of(std::string_view url, std::string_view scheme,
                                                     std::string_view what, std::string_view example);

}  // namespace tessera
