// One error type for the whole program, and the one table that says what each code means to every caller.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tessera {

enum class ErrorCode : std::uint8_t {
  usage,              ///< the request itself is malformed
  unknown_operator,   ///< no operator of that name
  bad_parameter,      ///< a parameter is unknown, of the wrong type or out of its range
  not_found,          ///< a file or object is not there
  unsupported_input,  ///< content that is not an image Tessera reads
  damaged_input,      ///< an image that is truncated or corrupt
  limit_exceeded,     ///< more pixels, bytes, frames, metadata or time than allowed
  io,                 ///< reading or writing failed
  cancelled,          ///< the caller asked to stop
  rank_lost,          ///< an MPI rank died or no longer answers
  unauthorized,       ///< no token, or one that is not known or has expired
  forbidden,          ///< known, but not allowed to do this
  conflict,           ///< does not go with the present state or with an earlier request
  busy,               ///< too much is waiting already
  unavailable,        ///< a server that is needed (broker, state, objects, gateway) does not answer
  internal,           ///< a defect in Tessera
};

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

/// A failure in a sentence a person can act on: what was wrong, where, the limit and the value, and what to
/// do.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string sentence) : code_(code), sentence_(std::move(sentence)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  [[nodiscard]] const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  ErrorCode code_;
  std::string sentence_;
};

}  // namespace tessera
