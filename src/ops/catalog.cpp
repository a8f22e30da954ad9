// SPDX-License-Identifier: Apache-2.0
#include "ops/catalog.hpp"

#include <fmt/format.h>

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

const CatalogEntry& find_operator(std::string_view name) {
  const auto all = catalog();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const CatalogEntry& e) { return e.info.name == name; });
  if (found != all.end()) {
    return *found;
  }
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const CatalogEntry& entry : all) {
    names.emplace_back(entry.info.name);
  }
  const std::string suggestion = nearest(name, names);
  throw Error(ErrorCode::unknown_operator,
              fmt::format("There is no operator '{}'. {}'tessera ops' lists them all.", name,
                          suggestion.empty() ? "" : fmt::format("Did you mean '{}'? ", suggestion)));
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
