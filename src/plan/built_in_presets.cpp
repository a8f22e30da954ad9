// SPDX-License-Identifier: Apache-2.0
#include "plan/built_in_presets.hpp"

#include <algorithm>
#include <array>

namespace tessera {
namespace {

constexpr std::array presets{
    BuiltInPreset{"web", "For web pages: no side above 1600 pixels, sharpened a little",
                  "resize long-edge=1600 enlarge=false | unsharp-mask sigma=1 amount=0.5"},
    BuiltInPreset{"email", "For messages: no side above 1024 pixels, sharpened a little",
                  "resize long-edge=1024 enlarge=false | unsharp-mask sigma=1 amount=0.5"},
    BuiltInPreset{"avatar", "A square of 512 pixels from the middle",
                  "resize 512x512 fit=cover | unsharp-mask sigma=1 amount=0.5"},
    BuiltInPreset{"print", "For paper: contrast stretched, sharpened as ink needs it",
                  "auto-levels | unsharp-mask sigma=2 amount=1.2 threshold=3"},
    BuiltInPreset{"enhance", "A flat photograph: white balance, contrast, stronger colours",
                  "white-balance | auto-levels | saturate factor=1.2"},
    BuiltInPreset{"brighten", "A photograph that is too dark", "gamma gamma=1.4 | clahe clip-limit=1.5"},
    BuiltInPreset{"denoise", "Noise of a high ISO number", "non-local-means strength=6"},
    BuiltInPreset{"black-and-white", "Shades of gray from black to white", "grayscale | auto-levels"},
    BuiltInPreset{"sepia", "The brown of old photographs", "auto-levels | sepia amount=80"},
    BuiltInPreset{"scan", "A photographed or scanned page in black and white",
                  "median size=3 | adaptive-gaussian block-size=31 c=10"},
};

}  // namespace

std::span<const BuiltInPreset> built_in_presets() { return presets; }

const BuiltInPreset* find_built_in_preset(std::string_view name) {
  const auto found = std::ranges::find(presets, name, &BuiltInPreset::name);
  return found == presets.end() ? nullptr : &*found;
}

Presets with_built_in_presets(Presets own) {
  for (const BuiltInPreset& preset : presets) {
    if (!own.contains(std::string(preset.name))) {
      own.emplace(preset.name, parse_pipeline(preset.pipeline));
    }
  }
  return own;
}

}  // namespace tessera
