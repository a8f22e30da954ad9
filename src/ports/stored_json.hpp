// SPDX-License-Identifier: Apache-2.0
// Reading JSON that was stored or sent by another version of the program. Such records carry "v", the version
// of their format. Missing fields get defaults, unknown fields are ignored, also in records of a later
// version. What cannot be interpreted without guessing is Unreadable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace tessera {

/// The format version of all records and messages that this program writes.
inline constexpr int stored_version = 1;

/// A stored record or message that this version cannot read.
class Unreadable : public Error {
 public:
  explicit Unreadable(std::string why) : Error(ErrorCode::internal, std::move(why)) {}
};

/// Throws Unreadable. `what` names the record in error messages: "the record of a job".
[[nodiscard]] Json parse_stored(std::string_view text, std::string_view what);
/// Serialized for storage; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string stored_text(const Json& json);
/// A whole number as text, as Redis stores it. Throws Unreadable.
[[nodiscard]] std::int64_t stored_integer(std::string_view text, std::string_view what);

/// The fields of a record. All throw Unreadable for a value of the wrong type; the overloads without
/// `otherwise` also for a missing or null field. The JSON must outlive this object.
class StoredFields {
 public:
  StoredFields(const Json& json, std::string_view what);
  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] std::string text(const char* name) const;
  [[nodiscard]] std::string text(const char* name, std::string otherwise) const;
  [[nodiscard]] std::int64_t integer(const char* name) const;
  [[nodiscard]] std::int64_t integer(const char* name, std::int64_t otherwise) const;
  [[nodiscard]] int small_integer(const char* name, int otherwise) const;
  [[nodiscard]] double number(const char* name, double otherwise) const;
  [[nodiscard]] std::vector<std::string> texts(const char* name) const;  ///< empty if it is missing
  [[nodiscard]] Json object(const char* name, Json otherwise) const;
  [[nodiscard]] Json array(const char* name, Json otherwise) const;
  [[nodiscard]] const Json& at(const char* name) const;

 private:
  [[noreturn]] void refuse(const char* name, const char* wanted) const;
  const Json& json_;
  std::string what_;
};

}  // namespace tessera
