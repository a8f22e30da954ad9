// SPDX-License-Identifier: Apache-2.0
// A build without the web page (TESSERA_WEB=OFF).
#include "service/web_page.hpp"

namespace tessera::service {

std::span<const WebAsset> web_assets() { return {}; }

}  // namespace tessera::service
