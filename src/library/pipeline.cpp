// SPDX-License-Identifier: Apache-2.0
#include "tessera/pipeline.hpp"

#include "library/steps.hpp"
#include "plan/pipeline_schema.hpp"

namespace tessera {

Pipeline::Pipeline() : Pipeline(std::make_shared<const Steps>()) {}

Pipeline::Pipeline(std::string_view text)
    : Pipeline(std::make_shared<const Steps>(Steps{parse_pipeline(text)})) {}

Pipeline::Pipeline(std::shared_ptr<const Steps> steps) : steps_(std::move(steps)) {}

std::string Pipeline::text() const { return to_text(steps_->steps); }

std::string Pipeline::json() const { return to_json(steps_->steps).dump(); }

std::vector<std::string> Pipeline::operators() const {
  std::vector<std::string> names;
  for (const PipelineStep& step : steps_->steps) {
    names.push_back(step.name);
  }
  return names;
}

Pipeline Pipeline::then(const Pipeline& next) const {
  Steps all = *steps_;
  all.steps.insert(all.steps.end(), next.steps_->steps.begin(), next.steps_->steps.end());
  return Pipeline(std::make_shared<const Steps>(std::move(all)));
}

std::string operators_json() { return pipeline_schema().dump(); }

}  // namespace tessera
