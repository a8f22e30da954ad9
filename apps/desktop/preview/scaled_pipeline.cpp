// SPDX-License-Identifier: Apache-2.0
#include "preview/scaled_pipeline.hpp"

#include <algorithm>
#include <cmath>

namespace tessera::desktop {
namespace {

Json scaled_value(const ParamInfo& param, const Json& value, double scale, Rounding rounding) {
  const double length = value.get<double>();
  if (length == 0) {
    return value;
  }
  const Limits& limits = param.limits;
  if (param.type == ParamType::number) {
    return std::clamp(length * scale, limits.min, limits.max);
  }
  double whole = rounding == Rounding::nearest ? std::round(length * scale) : std::floor(length * scale);
  if (limits.odd) {
    whole = 2 * std::round((length * scale - 1) / 2) + 1;
  }
  whole = std::clamp(whole, std::max(limits.min, 1.0), limits.max);
  return static_cast<std::int64_t>(whole);
}

std::vector<const ChainLink*> neighbourhoods(const Plan& plan) {
  std::vector<const ChainLink*> links;
  for (const Stage& stage : plan.stages) {
    for (const ChainLink& link : stage.chain) {
      if (link.op && link.op->kind() == LocalKind::neighbourhood) {
        links.push_back(&link);
      }
    }
  }
  return links;
}

double reach(const Halo& halo) {
  return static_cast<double>(std::max({halo.left, halo.top, halo.right, halo.bottom}));
}

}  // namespace

PipelineSteps scale_pipeline(const PipelineSteps& pipeline, double scale, Rounding rounding) {
  PipelineSteps scaled = pipeline;
  for (PipelineStep& step : scaled) {
    for (const ParamInfo& param : find_operator(step.name).params) {
      if (param.limits.unit == "px") {
        const auto given = step.parameters.find(param.name);
        const Json value = given != step.parameters.end() ? *given : param.default_value;
        step.parameters[param.name] = scaled_value(param, value, scale, rounding);
      }
    }
  }
  return scaled;
}

Plan make_scaled_plan(const PipelineSteps& pipeline, double scale, const ImageInfo& copy,
                      const ImageLoader& load) {
  try {
    return make_plan(build_pipeline(scale_pipeline(pipeline, scale, Rounding::nearest), load), copy);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::bad_parameter) {
      throw;
    }
    return make_plan(build_pipeline(scale_pipeline(pipeline, scale, Rounding::down), load), copy);
  }
}

std::vector<Approximation> approximations(const Plan& full, const Plan& scaled, double scale) {
  std::vector<Approximation> result;
  const auto add = [&result](Approximation approximation) {
    if (std::ranges::find(result, approximation) == result.end()) {
      result.push_back(std::move(approximation));
    }
  };
  for (const Stage& stage : full.stages) {
    if (stage.statistic || stage.whole_frame) {
      add({stage.end_name, Approximation::Reason::whole_picture});
    }
  }
  if (scale >= 1) {
    return result;
  }
  const auto wanted = neighbourhoods(full);
  const auto got = neighbourhoods(scaled);
  for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
    const double ideal = reach(wanted[i]->halo) * scale;
    const double actual = reach(got[i]->halo);
    // A reach is a whole number of pixels: below two of them, rounding is half of what is seen.
    if (ideal < 2 || actual >= ideal + 1 + ideal / 2 || actual <= ideal - 1 - ideal / 2) {
      add({wanted[i]->name, Approximation::Reason::fine_detail});
    }
  }
  return result;
}

}  // namespace tessera::desktop
