// SPDX-License-Identifier: Apache-2.0
// The catalogue: every operator there is, found by name.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/operator.hpp"

namespace tessera {

struct CatalogEntry {
  OperatorInfo info;
  std::vector<ParamInfo> params;
  std::string kind;  ///< "pointwise", "neighbourhood", "geometry", "statistic", "whole-frame" or "composite"
  std::string_view alpha;  ///< a sentence: what it does where pixels are transparent
  /// Builds the operator from parameters that check_params has passed. `load` opens images that parameters
  /// name.
  std::function<Operator(const Json& parameters, const ImageLoader& load)> make;
  /// Parameter sets worth testing on an image of this extent, besides random ones. Empty: random ones
  /// suffice.
  std::function<std::vector<Json>(Extent)> samples;
  /// Parameters of an older version of the operator, as the present one takes them with the same meaning. Null:
  /// there is no older version. Throws Error(bad_parameter) for values that the old version did not take.
  std::function<Json(Json parameters, int version)> upgrade = {};
  /// What a word without '=' after the operator's name means in a pipeline's text ("resize 50%"), as parameters;
  /// null where it means nothing. Empty: there are no such words.
  std::function<Json(std::string_view word)> shorthand = {};
  /// False: random parameters make no sense (a crop outside the image); tests use samples alone.
  bool random_parameters = true;
};

/// All operators, grouped, in the order documentation lists them.
[[nodiscard]] std::span<const CatalogEntry> catalog();
/// Throws Error(unknown_operator) with the operators that the name may have meant: a common synonym's
/// ("denoise"), the nearest spelling, or those whose description has the word.
[[nodiscard]] const CatalogEntry& find_operator(std::string_view name);
/// Checks the parameters and builds the operator. Throws Error(unknown_operator, bad_parameter).
[[nodiscard]] Operator build_operator(std::string_view name, const Json& parameters,
                                      const ImageLoader& load = {});

using Catalog = std::vector<CatalogEntry>;

/// A sentence for documentation.
[[nodiscard]] std::string_view alpha_sentence(AlphaRule rule);

/// Describes an operator type. Optional in the struct: `static std::vector<Op> samples(Extent)`,
/// `static constexpr bool random_parameters = false`, `void load(const ImageLoader&)`,
/// `static Json upgrade(Json parameters, int version)`, `static Json shorthand(std::string_view word)`.
template <class Op>
CatalogEntry describe_operator() {
  CatalogEntry entry;
  entry.info = Op::info;
  entry.params = describe_params<Op>();
  entry.make = [](const Json& parameters, const ImageLoader& load) {
    Op op = params_from_json<Op>(parameters);
    if constexpr (requires { op.load(load); }) {
      op.load(load);
    }
    return make_operator(std::move(op));
  };
  entry.samples = [](Extent extent) {
    std::vector<Json> result;
    if constexpr (requires { Op::samples(extent); }) {
      for (const Op& op : Op::samples(extent)) {
        result.push_back(params_to_json(op));
      }
    }
    return result;
  };
  if constexpr (requires { Op::upgrade(Json(), 1); }) {
    entry.upgrade = Op::upgrade;
  }
  if constexpr (requires { Op::shorthand(std::string_view()); }) {
    entry.shorthand = Op::shorthand;
  }
  if constexpr (requires { Op::random_parameters; }) {
    entry.random_parameters = Op::random_parameters;
  }
  if constexpr (requires(const Op op) { op.expand(); }) {
    entry.kind = "composite";
    entry.alpha = "As the operators it is made of.";
  } else if constexpr (WholeFrame<Op>) {
    entry.kind = "whole-frame";
  } else if constexpr (Statistic<Op>) {
    entry.kind = "statistic";
  } else if constexpr (Geometry<Op>) {
    entry.kind = "geometry";
  } else if constexpr (Neighbourhood<Op>) {
    entry.kind = "neighbourhood";
  } else {
    entry.kind = "pointwise";
  }
  if (entry.alpha.empty()) {
    entry.alpha = alpha_sentence(alpha_rule_of<Op>());
  }
  return entry;
}

template <class... Ops>
void add_operators(Catalog& catalog) {
  (catalog.push_back(describe_operator<Ops>()), ...);
}

// One function for each group, each in a file of its own so that the catalogue compiles in parallel.
void add_colour(Catalog& catalog);
void add_blur(Catalog& catalog);
void add_sharpen(Catalog& catalog);
void add_edges(Catalog& catalog);
void add_features(Catalog& catalog);
void add_threshold(Catalog& catalog);
void add_frequency(Catalog& catalog);
void add_morphology(Catalog& catalog);
void add_regions(Catalog& catalog);
void add_geometry(Catalog& catalog);
void add_composition(Catalog& catalog);

}  // namespace tessera
