// SPDX-License-Identifier: Apache-2.0
#include "schema/param.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace tessera {
namespace {

[[noreturn]] void refuse(std::string_view operator_name, const ParamInfo& param, std::string_view given) {
  throw Error(ErrorCode::bad_parameter, fmt::format("{}: parameter '{}' must be {}, but {} was given.",
                                                    operator_name, param.name, describe_range(param), given));
}

std::string number_text(double value) { return fmt::format("{}", value); }

bool is_color(std::string_view text) {
  return text.size() == 7 && text[0] == '#' &&
         text.substr(1).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

constexpr std::array named_colors{std::pair{"black", "#000000"}, std::pair{"white", "#ffffff"},
                                  std::pair{"red", "#ff0000"},   std::pair{"green", "#00ff00"},
                                  std::pair{"blue", "#0000ff"},  std::pair{"yellow", "#ffff00"},
                                  std::pair{"cyan", "#00ffff"},  std::pair{"magenta", "#ff00ff"}};

}  // namespace

std::string to_text(Color color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue);
}

Color color_from_text(std::string_view text) {
  const auto byte_at = [&](std::size_t position) {
    std::uint8_t value = 0;
    std::from_chars(text.data() + position, text.data() + position + 2, value, 16);
    return value;
  };
  return {byte_at(1), byte_at(3), byte_at(5)};
}

std::string describe_range(const ParamInfo& param) {
  switch (param.type) {
    case ParamType::number:
    case ParamType::integer: {
      std::string range =
          fmt::format("{}{} from {} to {}", param.type == ParamType::integer ? "a whole number" : "a number",
                      "", number_text(param.limits.min), number_text(param.limits.max));
      if (param.limits.odd) {
        range.replace(0, std::string_view("a whole number").size(), "an odd whole number");
      }
      if (!param.limits.unit.empty()) {
        range += fmt::format(" {}", param.limits.unit);
      }
      return range;
    }
    case ParamType::boolean:
      return "true or false";
    case ParamType::choice:
      return fmt::format("one of {}", fmt::join(param.choices, ", "));
    case ParamType::text:
      return "text";
    case ParamType::color:
      return "a colour like #ff8800, or black, white, red, green, blue, yellow, cyan, magenta";
  }
  return {};
}

Json json_schema(const ParamInfo& param) {
  Json schema = Json::object();
  switch (param.type) {
    case ParamType::number:
    case ParamType::integer:
      schema["type"] = param.type == ParamType::number ? "number" : "integer";
      if (param.type == ParamType::number) {
        schema["minimum"] = param.limits.min;
        schema["maximum"] = param.limits.max;
      } else {
        schema["minimum"] = std::llround(param.limits.min);
        schema["maximum"] = std::llround(param.limits.max);
      }
      if (param.limits.odd) {
        schema["not"] = Json{{"multipleOf", 2}};
      }
      schema["x-slider"] = Json::array({param.limits.slider_min, param.limits.slider_max});
      if (!param.limits.unit.empty()) {
        schema["x-unit"] = std::string(param.limits.unit);
      }
      break;
    case ParamType::boolean:
      schema["type"] = "boolean";
      break;
    case ParamType::choice:
      schema["type"] = "string";
      schema["enum"] = param.choices;
      break;
    case ParamType::text:
      schema["type"] = "string";
      break;
    case ParamType::color:
      schema["type"] = "string";
      schema["pattern"] = "^#[0-9a-fA-F]{6}$";
      break;
  }
  schema["description"] = param.doc;
  schema["default"] = param.default_value;
  return schema;
}

Json parse_text_value(std::string_view operator_name, const ParamInfo& param, std::string_view typed) {
  const std::string given = fmt::format("'{}'", typed);
  // "100px" for a parameter in pixels.
  if (const std::string_view unit = param.limits.unit; !unit.empty() && typed.ends_with(unit)) {
    typed.remove_suffix(unit.size());
  }
  const char* end = typed.data() + typed.size();
  switch (param.type) {
    case ParamType::number: {
      double value = 0;
      const auto [stop, failure] = std::from_chars(typed.data(), end, value);
      if (failure != std::errc{} || stop != end || !std::isfinite(value)) {
        refuse(operator_name, param, given);
      }
      return value;
    }
    case ParamType::integer: {
      std::int64_t value = 0;
      const auto [stop, failure] = std::from_chars(typed.data(), end, value);
      if (failure != std::errc{} || stop != end) {
        refuse(operator_name, param, given);
      }
      return value;
    }
    case ParamType::boolean:
      if (typed == "true" || typed == "yes" || typed == "on") {
        return true;
      }
      if (typed == "false" || typed == "no" || typed == "off") {
        return false;
      }
      refuse(operator_name, param, given);
    case ParamType::color:
      for (const auto& [name, code] : named_colors) {
        if (typed == name) {
          return code;
        }
      }
      return std::string(typed);
    case ParamType::choice:
    case ParamType::text:
      return std::string(typed);
  }
  return nullptr;
}

void check_value(std::string_view operator_name, const ParamInfo& param, const Json& value) {
  bool fits = false;
  switch (param.type) {
    case ParamType::number:
      fits = value.is_number() && std::isfinite(value.get<double>());
      break;
    case ParamType::integer:
      fits = value.is_number_integer();
      break;
    case ParamType::boolean:
      fits = value.is_boolean();
      break;
    case ParamType::choice:
      fits = value.is_string() && std::find(param.choices.begin(), param.choices.end(),
                                            value.get_ref<const std::string&>()) != param.choices.end();
      break;
    case ParamType::text:
      fits = value.is_string();
      break;
    case ParamType::color:
      fits = value.is_string() && is_color(value.get_ref<const std::string&>());
      break;
  }
  if (fits && value.is_number()) {
    const double number = value.get<double>();
    fits = param.limits.min <= number && number <= param.limits.max &&
           (!param.limits.odd || std::llround(number) % 2 != 0);
  }
  if (!fits) {
    refuse(operator_name, param, value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

void check_params(std::string_view operator_name, const std::vector<ParamInfo>& params, const Json& values) {
  if (!values.is_object()) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("{}: parameters must be a JSON object of names and values.", operator_name));
  }
  std::vector<std::string> names;
  names.reserve(params.size());
  for (const ParamInfo& param : params) {
    names.push_back(param.name);
  }
  for (const auto& [name, value] : values.items()) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string suggestion = nearest(name, names);
      std::string help =
          names.empty() ? "It takes none." : fmt::format("It takes: {}.", fmt::join(names, ", "));
      if (!suggestion.empty()) {
        help = fmt::format("Did you mean '{}'? {}", suggestion, help);
      }
      throw Error(ErrorCode::bad_parameter,
                  fmt::format("{}: there is no parameter '{}'. {}", operator_name, name, help));
    }
    check_value(operator_name, params[static_cast<std::size_t>(found - names.begin())], value);
  }
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t substitution = diagonal + (word[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substitution});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace tessera
