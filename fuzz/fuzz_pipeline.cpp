// SPDX-License-Identifier: Apache-2.0
// Any text is either refused with an Error or parsed into a pipeline that its own text and JSON give back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "plan/pipeline.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  // Escapes make text longer, and what comes back must still pass the parser's own limit.
  if (size > 8192) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const Presets presets = parse_presets(text);
    static_cast<void>(presets);
  } catch (const Error&) {
    // Refused, as most random text should be.
  }
  static const Presets known = parse_presets(R"({"presets": {"soft": "gaussian-blur sigma=2 | otsu"}})");
  PipelineSteps pipeline;
  try {
    pipeline = parse_pipeline(text, known);
  } catch (const Error&) {
    return 0;
  }
  if (parse_pipeline(to_text(pipeline)) != pipeline || parse_pipeline(to_json(pipeline).dump()) != pipeline) {
    std::abort();
  }
  return 0;
}
