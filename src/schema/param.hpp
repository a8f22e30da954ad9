// SPDX-License-Identifier: Apache-2.0
// A parameter is declared once, beside the member it fills; JSON Schema, command-line flags, forms,
// documentation and random test values are all derived from the declaration.
//
//   struct GaussianBlur {
//     double sigma = 1.5;  // the default lives here and nowhere else
//     static constexpr auto params = std::tuple{
//         number("sigma", &GaussianBlur::sigma, "Width of the bell curve.",
//                {.min = 0.1, .max = 64, .slider_min = 0.5, .slider_max = 8, .unit = "px"})};
//   };
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/json.hpp"

namespace tessera {

/// Range of a number. Values outside [min, max] are refused; the slider range is what a form offers and what
/// the property tests draw from.
struct Limits {
  double min = 0;
  double max = 0;
  double slider_min = 0;
  double slider_max = 0;
  std::string_view unit = {};  ///< "px", "level" (the 8-bit scale 0..255), "degrees", "%" or empty
  bool odd = false;            ///< integers only: even values are refused
};

enum class ParamType : std::uint8_t { number, integer, boolean, choice, text, color };

/// Values of an enum as users write them: specialise `EnumNames<E>::names` as an array of {E, "name"}.
template <class E>
struct EnumNames;

struct Color {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  bool operator==(const Color&) const = default;
};

/// One declared parameter: T is double, int, bool, Color, std::string or an enum with EnumNames.
template <class Owner, class T>
struct Param {
  using value_type = T;
  std::string_view name;  ///< kebab-case, as users write it
  T Owner::*member;
  std::string_view doc;  ///< one sentence
  Limits limits = {};
};

template <class Owner>
constexpr Param<Owner, double> number(std::string_view name, double Owner::*member, std::string_view doc,
                                      Limits limits) {
  return {name, member, doc, limits};
}
template <class Owner>
constexpr Param<Owner, int> integer(std::string_view name, int Owner::*member, std::string_view doc,
                                    Limits limits) {
  return {name, member, doc, limits};
}
template <class Owner>
constexpr Param<Owner, bool> boolean(std::string_view name, bool Owner::*member, std::string_view doc) {
  return {name, member, doc, {}};
}
template <class Owner, class E>
constexpr Param<Owner, E> choice(std::string_view name, E Owner::*member, std::string_view doc) {
  return {name, member, doc, {}};
}
template <class Owner>
constexpr Param<Owner, std::string> text(std::string_view name, std::string Owner::*member,
                                         std::string_view doc) {
  return {name, member, doc, {}};
}
template <class Owner>
constexpr Param<Owner, Color> color(std::string_view name, Color Owner::*member, std::string_view doc) {
  return {name, member, doc, {}};
}

/// The same declaration with its types erased: what forms, flags, schemas and docs are drawn from.
struct ParamInfo {
  std::string name;
  ParamType type = ParamType::number;
  std::string doc;
  Limits limits;
  std::vector<std::string> choices;  ///< of ParamType::choice
  Json default_value;
};

/// JSON Schema (2020-12) of one parameter, limits and default included.
[[nodiscard]] Json json_schema(const ParamInfo& param);
/// "0.1 .. 64 px", "reflect101 | replicate", "true | false": the allowed values in words.
[[nodiscard]] std::string describe_range(const ParamInfo& param);
/// Turns what a user typed ("2", "true", "red", "#ff8800") into the JSON value of that parameter's type.
/// Throws Error(bad_parameter), naming the operator, the parameter, the allowed values and what was typed.
[[nodiscard]] Json parse_text_value(std::string_view operator_name, const ParamInfo& param,
                                    std::string_view typed);
/// Throws Error(bad_parameter) unless the value has the parameter's type and lies in its range.
void check_value(std::string_view operator_name, const ParamInfo& param, const Json& value);

[[nodiscard]] std::string to_text(Color color);  ///< "#rrggbb"
[[nodiscard]] Color color_from_text(std::string_view text);

namespace detail {

template <class T>
constexpr ParamType param_type() {
  if constexpr (std::is_same_v<T, double>) {
    return ParamType::number;
  } else if constexpr (std::is_same_v<T, int>) {
    return ParamType::integer;
  } else if constexpr (std::is_same_v<T, bool>) {
    return ParamType::boolean;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return ParamType::text;
  } else if constexpr (std::is_same_v<T, Color>) {
    return ParamType::color;
  } else {
    static_assert(std::is_enum_v<T>, "a parameter is a number, integer, boolean, text, color or enum");
    return ParamType::choice;
  }
}

template <class T>
Json value_to_json(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [key, name] : EnumNames<T>::names) {
      if (key == value) {
        return std::string(name);
      }
    }
    return nullptr;
  } else if constexpr (std::is_same_v<T, Color>) {
    return to_text(value);
  } else {
    return value;
  }
}

/// `value` has been checked.
template <class T>
T value_from_json(const Json& value) {
  if constexpr (std::is_enum_v<T>) {
    for (const auto& [key, name] : EnumNames<T>::names) {
      if (value.get_ref<const std::string&>() == name) {
        return key;
      }
    }
    return T{};
  } else if constexpr (std::is_same_v<T, Color>) {
    return color_from_text(value.get_ref<const std::string&>());
  } else {
    return value.get<T>();
  }
}

}  // namespace detail

template <class Op, class Visit>
void for_each_param(Visit&& visit) {
  std::apply([&](const auto&... param) { (visit(param), ...); }, Op::params);
}

/// The declared parameters of an operator type, in order.
template <class Op>
std::vector<ParamInfo> describe_params() {
  const Op defaults{};
  std::vector<ParamInfo> result;
  for_each_param<Op>([&]<class P>(const P& p) {
    using T = typename P::value_type;
    ParamInfo info{std::string(p.name),
                   detail::param_type<T>(),
                   std::string(p.doc),
                   p.limits,
                   {},
                   detail::value_to_json(defaults.*(p.member))};
    if constexpr (std::is_enum_v<T>) {
      for (const auto& [key, name] : EnumNames<T>::names) {
        info.choices.emplace_back(name);
      }
    }
    result.push_back(std::move(info));
  });
  return result;
}

/// The values of all parameters, as a JSON object.
template <class Op>
Json params_to_json(const Op& op) {
  Json result = Json::object();
  for_each_param<Op>(
      [&](const auto& p) { result[std::string(p.name)] = detail::value_to_json(op.*(p.member)); });
  return result;
}

/// Checks a JSON object against the declarations: throws Error(bad_parameter) for an unknown name (suggesting
/// the nearest known one), a wrong type, or a value out of range.
void check_params(std::string_view operator_name, const std::vector<ParamInfo>& params, const Json& values);

/// Fills an operator from a JSON object that check_params has passed; what is absent keeps its default.
template <class Op>
Op params_from_json(const Json& values) {
  Op op{};
  for_each_param<Op>([&]<class P>(const P& p) {
    if (const auto found = values.find(std::string(p.name)); found != values.end()) {
      op.*(p.member) = detail::value_from_json<typename P::value_type>(*found);
    }
  });
  return op;
}

/// The candidate nearest to `word` by edit distance, or empty if none is near. For "did you mean".
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace tessera
