// SPDX-License-Identifier: Apache-2.0
#include "process/reduced_loading.hpp"

#include <optional>

#include "ops/geometry/resize.hpp"

namespace tessera {
namespace {

std::optional<Resize> leading_resize(const std::vector<Operator>& operators) {
  if (operators.empty() || operators.front().info == nullptr ||
      operators.front().info->name != Resize::info.name) {
    return std::nullopt;
  }
  return params_from_json<Resize>(operators.front().parameters);
}

}  // namespace

int reduce_at_loading(Source& source, const std::vector<Operator>& operators) {
  const auto resize = leading_resize(operators);
  if (!resize) {
    return 1;
  }
  for (int factor = resize->loading_factor(source.info().extent); factor > 1; factor /= 2) {
    if (source.reduce(factor)) {
      return factor;
    }
  }
  return 1;
}

std::vector<Operator> operators_after_loading(std::vector<Operator> operators, const Extent& original,
                                              int factor) {
  if (factor > 1) {
    operators.front().body =
        std::shared_ptr<const LocalOp>(std::make_shared<erased::LocalModel<PreparedResize>>(
            leading_resize(operators).value().after_loading(original, factor)));
  }
  return operators;
}

Plan plan_for_loading(Source& source, const std::vector<Operator>& operators, const PlanLimits& limits) {
  const Extent original = source.info().extent;
  const int factor = reduce_at_loading(source, operators);
  return make_plan(operators_after_loading(operators, original, factor), source.info(), limits);
}

}  // namespace tessera
