// SPDX-License-Identifier: Apache-2.0
// Pipelines that begin by making the picture much smaller read less of it, where its reader can: a JPEG's
// cosine transform gives pictures 2, 4 or 8 times smaller for a fraction of the work.
#pragma once

#include <vector>

#include "image/stream.hpp"
#include "ops/operator.hpp"
#include "plan/plan.hpp"

namespace tessera {

/// Lets `source`, of which nothing has been read, deliver a reduced picture if `operators` begin with a resize
/// that allows it. Returns by how much, 1 if not at all. Every way of processing an image does this, so that
/// all give the same pixels.
[[nodiscard]] int reduce_at_loading(Source& source, const std::vector<Operator>& operators);

/// The operators to apply to a picture that was `original` before it was reduced by `factor`.
[[nodiscard]] std::vector<Operator> operators_after_loading(std::vector<Operator> operators,
                                                            const Extent& original, int factor);

/// Both for a source that one process reads, and the plan of what is left to do.
[[nodiscard]] Plan plan_for_loading(Source& source, const std::vector<Operator>& operators,
                                    const PlanLimits& limits);

}  // namespace tessera
