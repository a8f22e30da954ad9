// SPDX-License-Identifier: Apache-2.0
// Operators, one after the other, with their parameters.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/error.hpp"
#include "tessera/export.hpp"

namespace tessera {

/// A pipeline as text ("median size=5 | otsu") or as JSON. Values: copies share what they hold, and may be
/// used on several threads at once. docs/operators.md describes the operators.
class TESSERA_API Pipeline {
 public:
  /// No operators: the image stays as it is.
  Pipeline();
  /// Parses text, or JSON if it begins with '{' or '['. Names, versions and parameters are checked. Throws
  /// Error(usage, unknown_operator, bad_parameter) with the position in the text.
  explicit Pipeline(std::string_view text);

  /// The same pipeline as text; empty for no operators.
  [[nodiscard]] std::string text() const;
  /// The same pipeline as JSON: {"operators": [{"name", "version", "parameters"}]}.
  [[nodiscard]] std::string json() const;
  /// The names of its operators.
  [[nodiscard]] std::vector<std::string> operators() const;

  /// This pipeline, followed by the other.
  [[nodiscard]] Pipeline then(const Pipeline& next) const;
  friend Pipeline operator|(const Pipeline& first, const Pipeline& next) { return first.then(next); }

  struct Steps;
  /// For the library's own use.
  [[nodiscard]] const Steps& steps() const { return *steps_; }

 private:
  explicit Pipeline(std::shared_ptr<const Steps> steps);
  std::shared_ptr<const Steps> steps_;
};

/// All operators with their parameters, types, ranges and descriptions, as JSON: what 'tessera ops --json'
/// prints.
[[nodiscard]] TESSERA_API std::string operators_json();

}  // namespace tessera
