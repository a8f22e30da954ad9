// SPDX-License-Identifier: Apache-2.0
// JSON values whose members keep their order.
#pragma once

#include <nlohmann/json.hpp>

namespace tessera {

using Json = nlohmann::ordered_json;

}  // namespace tessera
