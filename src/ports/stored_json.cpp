// SPDX-License-Identifier: Apache-2.0
#include "ports/stored_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace tessera {

Json parse_stored(std::string_view text, std::string_view what) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Unreadable(fmt::format("{} is not JSON: {}", what, error.what()));
  }
}

std::string stored_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::int64_t stored_integer(std::string_view text, std::string_view what) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || last != end) {
    throw Unreadable(fmt::format("{} is '{}', which is not a whole number.", what, text.substr(0, 100)));
  }
  return value;
}

StoredFields::StoredFields(const Json& json, std::string_view what) : json_(json), what_(what) {
  if (!json_.is_object()) {
    throw Unreadable(fmt::format("{} is not a JSON object.", what_));
  }
}

void StoredFields::refuse(const char* name, const char* wanted) const {
  if (!has(name)) {
    throw Unreadable(fmt::format("{} has no field '{}'.", what_, name));
  }
  throw Unreadable(fmt::format("The field '{}' of {} is {}; it must be {}.", name, what_,
                               stored_text(json_.at(name)).substr(0, 100), wanted));
}

bool StoredFields::has(const char* name) const {
  const auto found = json_.find(name);
  return found != json_.end() && !found->is_null();
}

const Json& StoredFields::at(const char* name) const {
  if (!has(name)) {
    refuse(name, "present");
  }
  return json_.at(name);
}

std::string StoredFields::text(const char* name) const {
  if (!has(name) || !json_.at(name).is_string()) {
    refuse(name, "text");
  }
  return json_.at(name).get<std::string>();
}

std::string StoredFields::text(const char* name, std::string otherwise) const {
  return has(name) ? text(name) : std::move(otherwise);
}

std::int64_t StoredFields::integer(const char* name) const {
  if (!has(name) || !json_.at(name).is_number_integer() ||
      (json_.at(name).is_number_unsigned() &&
       json_.at(name).get<std::uint64_t>() >
           static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))) {
    refuse(name, "a whole number");
  }
  return json_.at(name).get<std::int64_t>();
}

std::int64_t StoredFields::integer(const char* name, std::int64_t otherwise) const {
  return has(name) ? integer(name) : otherwise;
}

int StoredFields::small_integer(const char* name, int otherwise) const {
  const std::int64_t value = integer(name, otherwise);
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    refuse(name, "a whole number of 32 bits");
  }
  return static_cast<int>(value);
}

double StoredFields::number(const char* name, double otherwise) const {
  if (!has(name)) {
    return otherwise;
  }
  if (!json_.at(name).is_number()) {
    refuse(name, "a number");
  }
  return json_.at(name).get<double>();
}

std::vector<std::string> StoredFields::texts(const char* name) const {
  std::vector<std::string> result;
  for (const Json& entry : array(name, Json::array())) {
    if (!entry.is_string()) {
      refuse(name, "a list of texts");
    }
    result.push_back(entry.get<std::string>());
  }
  return result;
}

Json StoredFields::object(const char* name, Json otherwise) const {
  if (!has(name)) {
    return otherwise;
  }
  if (!json_.at(name).is_object()) {
    refuse(name, "an object");
  }
  return json_.at(name);
}

Json StoredFields::array(const char* name, Json otherwise) const {
  if (!has(name)) {
    return otherwise;
  }
  if (!json_.at(name).is_array()) {
    refuse(name, "a list");
  }
  return json_.at(name);
}

}  // namespace tessera
