// SPDX-License-Identifier: Apache-2.0
#include "schema/output_options.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"

namespace tessera::testing {
namespace {

TEST(OutputOptions, ComeBackFromJsonAsTheyWere) {
  for (const FileFormatInfo& info : file_format_table) {
    for (const Strip strip : {Strip::nothing, Strip::location, Strip::all}) {
      OutputOptions options{info.format, 7, strip, true};
      EXPECT_EQ(output_options_from_json(to_json(options)), options) << to_json(options);
      options.compression = TiffCompression::zstd;
      options.level = 22;
      options.tile_size = 512;
      options.bigtiff = options.pyramid = true;
      EXPECT_EQ(output_options_from_json(to_json(options)), options) << to_json(options);
    }
  }
  EXPECT_EQ(to_json(OutputOptions{}), Json::object());
  EXPECT_EQ(output_options_from_json(Json::object()), OutputOptions{});
}

TEST(OutputOptions, OtherNamesOfTheSameAreTaken) {
  const OutputOptions options = output_options_from_json({{"format", "jpeg"}, {"strip", "all"}});
  EXPECT_EQ(options.format, FileFormat::jpeg);
  EXPECT_EQ(options.strip, Strip::all);
  EXPECT_EQ(output_options_from_json({{"strip", false}}).strip, Strip::nothing);
}

TEST(OutputOptions, WhatIsWrongIsRefusedByName) {
  const auto sentence = [](const Json& json) {
    return refusal([&] { static_cast<void>(output_options_from_json(json, "items[3].output")); },
                   ErrorCode::usage);
  };
  for (
      const auto& [json, named] :
      {std::pair{Json{{"format", "gif"}}, "'format' is \"gif\"; there are: png, jpg, jpeg, tif, tiff, webp"},
       std::pair{Json{{"format", "zarr"}},
                 "'format' is 'zarr': OME-Zarr is a folder of many files, and only 'tessera apply' and"},
       std::pair{Json{{"format", "dzi"}}, "Deep Zoom is a folder of many files"},
       std::pair{Json{{"format", ".png"}}, "'format'"}, std::pair{Json{{"format", 1}}, "'format'"},
       std::pair{Json{{"quality", 0}}, "'quality' is 0; it must be a whole number from 1 to 100"},
       std::pair{Json{{"quality", 101}}, "'quality'"}, std::pair{Json{{"quality", 1.5}}, "'quality'"},
       std::pair{Json{{"strip", "gps"}}, "'strip'"}, std::pair{Json{{"strip", 1}}, "'strip'"},
       std::pair{Json{{"salvage", "yes"}}, "'salvage'"},
       std::pair{
           Json{{"qualty", 5}},
           "no field 'qualty'; there are: format, quality, strip, salvage, page, overview, compression, level"},
       std::pair{Json{{"compression", "lz4"}}, "there are: none, lzw, deflate, zstd, jpeg, webp"},
       std::pair{Json{{"level", 23}}, "from 1 to 22"}, std::pair{Json{{"tile", 100}}, "a multiple of 16"},
       std::pair{Json{{"tile", 32}}, "from 64 to 4096"}, std::pair{Json{{"pyramid", 1}}, "true or false"},
       std::pair{Json::array(), "must be a JSON object"}}) {
    EXPECT_NE(sentence(json).find(named), std::string::npos) << sentence(json);
    EXPECT_TRUE(sentence(json).starts_with("items[3].output")) << sentence(json);
  }
}

TEST(OutputOptions, TheSchemaHasEveryOption) {
  const Json schema = output_options_schema();
  for (const OutputOptionInfo& info : output_option_table()) {
    EXPECT_TRUE(schema["properties"].contains(std::string(info.name))) << info.name;
  }
  EXPECT_EQ(schema["properties"].size(), output_option_table().size());
  EXPECT_EQ(schema["additionalProperties"], false);
  // Requests are answered with one file.
  EXPECT_EQ(schema["properties"]["format"]["enum"], Json({"png", "jpg", "jpeg", "tif", "tiff", "webp"}));
  EXPECT_EQ(schema.dump().find("Zarr"), std::string::npos);
}

TEST(FileFormats, AreKnownByTheirExtensionsInAnyCase) {
  for (const FileFormatInfo& info : file_format_table) {
    EXPECT_EQ(format_from_extension(info.extension), info.format);
    EXPECT_EQ(format_from_extension("." + std::string(info.extension)), info.format);
  }
  EXPECT_EQ(format_from_extension(".TIFF"), FileFormat::tiff);
  EXPECT_EQ(format_from_extension(""), std::nullopt);
  EXPECT_EQ(format_from_extension("."), std::nullopt);
  EXPECT_EQ(format_from_extension("gif"), std::nullopt);
  EXPECT_EQ(known_formats(), "png, jpg, tif and webp");
  EXPECT_EQ(known_formats(FormatKinds::files_and_folders), "png, jpg, tif, webp, zarr and dzi");
  EXPECT_EQ(format_from_extension(".ZARR"), std::nullopt);
  EXPECT_EQ(format_from_extension(".ZARR", FormatKinds::files_and_folders), FileFormat::ome_zarr);
}

}  // namespace
}  // namespace tessera::testing
