// SPDX-License-Identifier: Apache-2.0
// What a service is for, seen from outside: however it is put together, it must do this.
#pragma once

#include <filesystem>
#include <string>

namespace tessera::testing {

/// Three clients at once send photographs with different pipelines, follow them, and get byte for byte what
/// `tessera apply` makes; curl fetches the links. `folder` takes the files.
void expect_three_clients_get_what_apply_makes(const std::string& url, int port,
                                               const std::filesystem::path& folder);

}  // namespace tessera::testing
