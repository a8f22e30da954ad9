// SPDX-License-Identifier: Apache-2.0
// The one error type of Tessera.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/export.hpp"

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

/// A stable identifier, as in JSON and in the service's problem types: "damaged-input".
[[nodiscard]] TESSERA_API std::string_view error_name(ErrorCode code);

/// A failure in a sentence a person can act on: what was wrong, where, the limit and the value, and what to
/// do.
class TESSERA_API Error : public std::exception {
 public:
  /// `subject` is the file, job or object that the sentence names; empty if it names none.
  Error(ErrorCode code, std::string sentence, std::string subject = {})
      : code_(code), sentence_(std::move(sentence)), subject_(std::move(subject)) {}
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  /// Whether people can tell from the sentence alone what it is about.
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }
  [[nodiscard]] const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  ErrorCode code_;
  std::string sentence_;
  std::string subject_;
};

}  // namespace tessera
