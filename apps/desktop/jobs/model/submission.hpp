// SPDX-License-Identifier: Apache-2.0
// What the edit page hands over to the jobs page.
#pragma once

#include <filesystem>

#include "plan/pipeline.hpp"
#include "schema/param.hpp"

namespace tessera::desktop {

/// One image to process.
struct Submission {
  std::filesystem::path file;
  PipelineSteps pipeline;
  /// As the service's "output": {"format": "png" | "jpg" | "tif" | "webp", "quality": 1..100, "strip": bool},
  /// all optional.
  Json output;
};

}  // namespace tessera::desktop
