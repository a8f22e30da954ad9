// SPDX-License-Identifier: Apache-2.0
// The JSON form of a pipeline as a JSON Schema, drawn from the catalogue.
#pragma once

#include "schema/param.hpp"

namespace tessera {

/// JSON Schema (2020-12) that a JSON pipeline without presets must satisfy; each operator is one entry of
/// $defs, with its group, kind, definition and example as x-group, x-kind, x-definition and x-example.
[[nodiscard]] Json pipeline_schema();

}  // namespace tessera
