// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system is.
#pragma once

#include <QPalette>

namespace tessera::desktop {

enum class Theme { system, light, dark };

[[nodiscard]] Theme saved_theme();
void save_theme(Theme theme);
/// To be called once before the first window, and again at every change. The system's own palette is
/// remembered at the first call.
void apply_theme(Theme theme);

}  // namespace tessera::desktop
