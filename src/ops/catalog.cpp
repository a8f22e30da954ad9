// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tessera {

std::span<const CatalogEntry> catalog() {
  static const Catalog entries = [] {
    Catalog all;
    add_colour(all);
    add_blur(all);
    add_sharpen(all);
    add_edges(all);
    add_features(all);
    add_threshold(all);
    add_frequency(all);
    add_morphology(all);
    add_regions(all);
    add_geometry(all);
    add_composition(all);
    return all;
  }();
  return entries;
}

namespace {

/// Words that people know from other programs, and the operators that do that.
struct Synonym {
  std::string_view word;
  std::vector<std::string_view> operators;
};

const std::vector<Synonym>& synonyms() {
  static const std::vector<Synonym> table{
      {"blur", {"gaussian-blur", "box-blur"}},
      {"gauss", {"gaussian-blur"}},
      {"smooth", {"gaussian-blur", "bilateral"}},
      {"gray", {"grayscale"}},
      {"grey", {"grayscale"}},
      {"greyscale", {"grayscale"}},
      {"monochrome", {"grayscale"}},
      {"desaturate", {"grayscale", "saturate"}},
      {"denoise", {"non-local-means", "median", "bilateral"}},
      {"despeckle", {"median"}},
      {"scale", {"resize"}},
      {"thumbnail", {"resize"}},
      {"shrink", {"resize"}},
      {"enlarge", {"resize"}},
      {"trim", {"find-border", "crop"}},
      {"cut", {"crop"}},
      {"extent", {"pad"}},
      {"frame", {"pad"}},
      {"margin", {"pad"}},
      {"mirror", {"flip"}},
      {"flop", {"flip"}},
      {"turn", {"rotate"}},
      {"negative", {"invert"}},
      {"negate", {"invert"}},
      {"binarize", {"otsu", "threshold"}},
      {"binarise", {"otsu", "threshold"}},
      {"edge", {"canny", "sobel"}},
      {"edges", {"canny", "sobel"}},
      {"corners", {"harris"}},
      {"lines", {"hough-lines"}},
      {"histogram", {"equalize", "clahe"}},
      {"contrast", {"brightness-contrast", "auto-levels"}},
      {"brightness", {"brightness-contrast"}},
      {"levels", {"auto-levels"}},
      {"erosion", {"erode"}},
      {"dilation", {"dilate"}},
      {"text", {"watermark"}},
      {"overlay", {"watermark"}},
      {"logo", {"watermark"}},
      {"unsharp", {"unsharp-mask"}},
      {"components", {"label"}},
      {"fft", {"butterworth-low-pass", "butterworth-high-pass"}},
      {"lowpass", {"butterworth-low-pass", "gaussian-blur"}},
      {"highpass", {"butterworth-high-pass"}},
  };
  return table;
}

/// Operators that a name which is none of theirs may have meant, the likeliest first, at most three.
std::vector<std::string> suggestions(std::string_view name) {
  constexpr std::size_t max_suggestions = 3;
  constexpr std::size_t min_searched_letters = 4;
  const auto synonym = std::ranges::find(synonyms(), name, &Synonym::word);
  if (synonym != synonyms().end()) {
    return {synonym->operators.begin(), synonym->operators.end()};
  }
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog()) {
    names.emplace_back(entry.info.name);
  }
  if (std::string spelling = nearest(name, names); !spelling.empty()) {
    return {std::move(spelling)};
  }
  std::vector<std::string> found;
  for (const CatalogEntry& entry : catalog()) {
    if (name.size() >= min_searched_letters && found.size() < max_suggestions &&
        (entry.info.name.find(name) != std::string_view::npos ||
         entry.info.doc.find(name) != std::string_view::npos)) {
      found.emplace_back(entry.info.name);
    }
  }
  return found;
}

}  // namespace

const CatalogEntry& find_operator(std::string_view name) {
  const auto all = catalog();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const CatalogEntry& e) { return e.info.name == name; });
  if (found != all.end()) {
    return *found;
  }
  const std::vector<std::string> meant = suggestions(name);
  throw Error(ErrorCode::unknown_operator,
              fmt::format("There is no operator '{}'. {}'tessera ops' lists them all.", name,
                          meant.empty() ? "" : fmt::format("Did you mean '{}'? ", fmt::join(meant, "', '"))));
}

std::string_view alpha_sentence(AlphaRule rule) {
  switch (rule) {
    case AlphaRule::carried:
      return "Every pixel is worked on by itself; alpha stays as it is.";
    case AlphaRule::moved:
      return "Alpha moves with the pixels.";
    case AlphaRule::weighed:
      return "Colours are weighed by alpha (sum of weight, alpha and colour over sum of weight and alpha), "
             "and alpha is interpolated like a colour.";
    case AlphaRule::window:
      return "Alpha stays as it is. Where a pixel's window is not opaque, its pixels count by their alpha "
             "too.";
    case AlphaRule::surroundings:
      return "Alpha stays as it is. A fully transparent pixel has no colour: it counts as the mean, weighed "
             "by alpha, of the pixels around it, as far as the operator looks.";
    case AlphaRule::uncounted:
      return "Alpha stays as it is. Fully transparent pixels are not counted.";
    case AlphaRule::mean:
      return "Alpha stays as it is. Fully transparent pixels count as the mean colour of all others.";
    case AlphaRule::background:
      return "Alpha stays as it is. Fully transparent pixels count as black.";
  }
  return "";
}

Operator build_operator(std::string_view name, const Json& parameters, const ImageLoader& load) {
  const CatalogEntry& entry = find_operator(name);
  check_params(name, entry.params, parameters);
  return entry.make(parameters, load);
}

}  // namespace tessera
