// SPDX-License-Identifier: Apache-2.0
#include "base/untrusted_json.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Reads without keeping anything, so that a text is refused before memory and time go into it. (The callback
/// that Json::parse takes would make it slow: it looks at all elements of a list after each of them.)
class Counter final : public nlohmann::json_sax<Json> {
 public:
  explicit Counter(JsonSize& size) : size_(size) {}

  bool null() override { return count(); }
  bool boolean(bool /*value*/) override { return count(); }
  bool number_integer(number_integer_t /*value*/) override { return count(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return count(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return count(); }
  bool string(string_t& /*value*/) override { return count(); }
  bool binary(binary_t& /*value*/) override { return count(); }
  bool start_object(std::size_t /*elements*/) override { return open(); }
  bool start_array(std::size_t /*elements*/) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& /*value*/) override {
    size_.comparisons += members_.back();
    if (++members_.back() > max_json_members) {
      throw Error(ErrorCode::usage,
                  fmt::format("An object of the JSON has more than {} members; nothing that "
                              "Tessera takes has more than a few.",
                              max_json_members));
    }
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*problem*/) override {
    return false;  // Json::parse says it better
  }

 private:
  bool count() {
    if (++size_.values > max_json_values) {
      throw Error(ErrorCode::usage, fmt::format("The JSON has more than {} values; send it in smaller parts.",
                                                max_json_values));
    }
    return true;
  }
  bool open() {
    if (members_.size() >= static_cast<std::size_t>(max_json_depth)) {
      throw Error(ErrorCode::usage, fmt::format("The JSON is nested more than {} levels deep; nothing that "
                                                "Tessera takes needs more than a few.",
                                                max_json_depth));
    }
    members_.push_back(0);
    return count();
  }
  bool close() {
    members_.pop_back();
    return true;
  }

  JsonSize& size_;
  std::vector<std::int64_t> members_;  ///< of the objects, and lists, that are open
};

}  // namespace

Json parse_untrusted_json(std::string_view text, JsonSize* size) {
  JsonSize counted;
  Counter counter(size == nullptr ? counted : *size);
  static_cast<void>(Json::sax_parse(text, &counter));
  try {
    return Json::parse(text);
  } catch (const Json::out_of_range&) {
    throw Error(ErrorCode::usage, "A number of the JSON is too large.");
  }
}

std::string text_or_empty(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace tessera
