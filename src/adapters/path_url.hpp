// URLs that name a place of this machine. Inside of the adapters only.
#pragma once

#include <filesystem>
#include <string_view>

namespace tessera {

/// The path behind `scheme` ("file://"); it stands there as it is, without escapes. Throws Error(usage) that
/// names `what` was wanted and an example, if the URL has another scheme or no absolute path.
[[nodiscard]] std::filesystem::path absolute_path_of(std::string_view url, std::string_view scheme,
                                                     std::string_view what, std::string_view example);

}  // namespace tessera
