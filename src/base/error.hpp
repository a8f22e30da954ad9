// SPDX-License-Identifier: Apache-2.0
// What each error code means to every caller: the table behind tessera/error.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "tessera/error.hpp"

namespace tessera {

/// Where the cause of a failure lies. Only the first kind counts against a job; the other two are waited out.
enum class FailureOrigin : std::uint8_t {
  request,  ///< the request or the image; a defect in Tessera too, because repeating the work repeats it
  machine,  ///< this machine: its disk, memory, descriptors or processes
  server,   ///< another server that is needed: broker, state store, object store, gateway
};

struct ErrorMeaning {
  ErrorCode code;
  std::string_view name;  ///< stable identifier, used in JSON and problem types
  int exit_code;          ///< of the command line
  int http_status;        ///< of the service
  bool retry;             ///< whether the same request may succeed later
  FailureOrigin origin;
  std::string_view summary;  ///< for the table in the documentation
};

/// All codes, in order of ErrorCode.
[[nodiscard]] const ErrorMeaning& meaning(ErrorCode code);
/// The code with that name in the table; nothing if there is none.
[[nodiscard]] std::optional<ErrorCode> error_code_named(std::string_view name);

}  // namespace tessera
