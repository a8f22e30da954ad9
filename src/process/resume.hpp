// SPDX-License-Identifier: Apache-2.0
// When a result can be resumed, and what its bytes depend on.
#pragma once

#include <string>

#include "plan/plan.hpp"
#include "process/image_input.hpp"
#include "process/image_output.hpp"
#include "schema/output_options.hpp"

namespace tessera {

/// Why a result cannot be resumed, as a sentence; empty if it can.
[[nodiscard]] std::string why_not_resumable(const Plan& plan, const ImageInput& input, const OutputFile& file,
                                            const OutputOptions& options);

/// For a ResumableSink: the same for two runs if what one has made can be used by the other. Of a resumable result.
[[nodiscard]] std::string resume_key(const Plan& plan, const ImageInput& input, const OutputFile& file,
                                     const OutputOptions& options);

}  // namespace tessera
