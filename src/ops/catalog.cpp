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

Operator build_operator(std::string_view name, const Json& parameters, const ImageLoader& load) {
  const CatalogEntry& entry = find_operator(name);
  check_params(name, entry.params, parameters);
  return entry.make(parameters, load);
}

}  // namespace tessera
