// SPDX-License-Identifier: Apache-2.0
// What holds for every operator of the catalogue, by itself. The engine's own sweep is in tests/engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/catalog_names.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

class EveryOperator : public ::testing::TestWithParam<std::string> {
 protected:
  const CatalogEntry& entry() const { return find_operator(GetParam()); }
};

const std::vector<PixelFormat> all_formats{{Depth::u8, 1, false},  {Depth::u8, 3, false},
                                           {Depth::u8, 3, true},   {Depth::u8, 1, true},
                                           {Depth::u16, 1, false}, {Depth::u16, 3, true}};

TEST_P(EveryOperator, GivesTheSameBytesInPieces) {
  std::mt19937 random(std::hash<std::string>{}(GetParam()) & 0xffffU);
  const std::vector<Extent> extents{{1, 1}, {1, 37}, {41, 1}, {7, 5}, {33, 29}};
  for (const Extent& extent : extents) {
    for (const PixelFormat& format : all_formats) {
      const Tile image =
          make_image({extent, format}, random() % 2 == 0 ? Pattern::noise : Pattern::photo_like, 5);
      const Json parameters = random_parameters(entry(), extent, random);
      const Operator op = build_operator(GetParam(), parameters, sample_image);
      const Outcome whole = run_reference(op, image);
      for (const std::int64_t rows : {1, 3, 8}) {
        const Outcome pieces = run_reference(op, image, rows);
        ASSERT_EQ(difference(whole.image, pieces.image), 0)
            << GetParam() << " " << parameters << " on " << format.describe()
            << fmt::format(" in pieces of {} rows: ", rows) << first_difference(whole.image, pieces.image);
        ASSERT_EQ(whole.findings, pieces.findings) << GetParam() << " " << parameters;
      }
    }
  }
}

TEST_P(EveryOperator, ParametersRoundTripThroughJson) {
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    const Json parameters = random_parameters(entry(), {64, 64}, random);
    const Operator op = build_operator(GetParam(), parameters, sample_image);
    EXPECT_EQ(build_operator(GetParam(), op.parameters, sample_image).parameters, op.parameters);
    for (const auto& [name, value] : parameters.items()) {
      EXPECT_EQ(op.parameters[name], value) << name;
    }
  }
}

TEST_P(EveryOperator, RefusesWhatIsOutOfRangeByName) {
  for (const ParamInfo& param : entry().params) {
    if (param.type != tessera::ParamType::number && param.type != tessera::ParamType::integer) {
      continue;
    }
    try {
      static_cast<void>(build_operator(GetParam(), Json{{param.name, std::ceil(param.limits.max) + 1}}));
      ADD_FAILURE() << param.name << " above its maximum was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_parameter);
      EXPECT_NE(std::string(error.what()).find(param.name), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos) << error.what();
    }
  }
}

TEST_P(EveryOperator, IsDocumented) {
  EXPECT_GT(entry().info.doc.size(), 10U);
  EXPECT_GT(entry().info.definition.size(), 10U);
  EXPECT_NE(entry().info.example.find(GetParam()), std::string_view::npos);
  EXPECT_EQ(entry().info.tolerance > 0, !entry().info.tolerance_reason.empty());
  for (const ParamInfo& param : entry().params) {
    EXPECT_GT(param.doc.size(), 5U) << param.name;
    if (param.type == tessera::ParamType::number || param.type == tessera::ParamType::integer) {
      EXPECT_LE(param.limits.min, param.limits.slider_min) << param.name;
      EXPECT_LT(param.limits.slider_min, param.limits.slider_max) << param.name;
      EXPECT_LE(param.limits.slider_max, param.limits.max) << param.name;
      EXPECT_NO_THROW(check_value(GetParam(), param, param.default_value)) << param.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Catalog, EveryOperator, ::testing::ValuesIn(all_names()), test_name);

}  // namespace
}  // namespace tessera::testing
