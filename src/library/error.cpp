// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

namespace tessera {

std::string_view error_name(ErrorCode code) { return meaning(code).name; }

}  // namespace tessera
