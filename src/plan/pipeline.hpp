// SPDX-License-Identifier: Apache-2.0
// Pipelines as users write them. Text and JSON are equivalent:
//
//   gaussian-blur sigma=2 | otsu
//   {"operators": [{"name": "gaussian-blur", "version": 1, "parameters": {"sigma": 2}}, {"name": "otsu"}]}
//
// In text, values with spaces, '|' or quotes are quoted ("..." with \" and \\); name@2 asks for version 2; a step
// @soft stands for the preset "soft", which in JSON is {"preset": "soft"}. JSON may also be the array of
// operators alone. A pipeline without operators copies the image. A few operators take words without '=': "resize 50%",
// "rotate 90", "crop 3:2". Pipelines are UTF-8, at most 64 KiB and 256 operators.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ops/catalog.hpp"

namespace tessera {

/// One operator by name, with the parameters that were given (checked, defaults not filled in).
struct PipelineStep {
  std::string name;
  Json parameters = Json::object();
  bool operator==(const PipelineStep&) const = default;
};
using PipelineSteps = std::vector<PipelineStep>;
/// Named pipelines of a presets file: {"presets": {"soft": "gaussian-blur sigma=2 | gamma gamma=1.1"}}; a
/// value may also be a JSON pipeline. A preset may use those above it in the file.
using Presets = std::map<std::string, PipelineSteps>;

/// Parses and checks text, or JSON if it begins with '{' or '['. Throws Error(usage, unknown_operator,
/// bad_parameter) with the position in the text.
[[nodiscard]] PipelineSteps parse_pipeline(std::string_view text, const Presets& presets = {});
/// The same for JSON that is parsed already; what parse_untrusted_json() refuses must have been refused.
[[nodiscard]] PipelineSteps pipeline_from_json(const Json& json, const Presets& presets = {});
[[nodiscard]] Presets parse_presets(std::string_view json);
[[nodiscard]] std::string to_text(const PipelineSteps& pipeline);
[[nodiscard]] Json to_json(const PipelineSteps& pipeline);
[[nodiscard]] std::vector<Operator> build_pipeline(const PipelineSteps& pipeline,
                                                   const ImageLoader& load = {});

}  // namespace tessera
