// SPDX-License-Identifier: Apache-2.0
#include "plan/pipeline.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "plan/built_in_presets.hpp"
#include "plan/plan.hpp"
#include "plan/presets_file.hpp"

namespace tessera {
namespace {

ErrorCode code_of(std::string_view text, std::string* sentence = nullptr, const Presets& presets = {}) {
  try {
    const PipelineSteps parsed = parse_pipeline(text, presets);
    ADD_FAILURE() << "accepted: " << text << " as " << to_text(parsed);
  } catch (const Error& error) {
    if (sentence != nullptr) {
      *sentence = error.what();
    }
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Pipeline, TextAndJsonAreTheSame) {
  const PipelineSteps text = parse_pipeline("gaussian-blur sigma=2 border=wrap|otsu");
  const PipelineSteps json = parse_pipeline(
      R"({"operators": [{"name": "gaussian-blur", "version": 1, "parameters": {"sigma": 2, "border": "wrap"}},
                        {"name": "otsu"}]})");
  EXPECT_EQ(text, json);
  ASSERT_EQ(text.size(), 2U);
  EXPECT_EQ(text[0].name, "gaussian-blur");
  EXPECT_EQ(text[0].parameters["sigma"], 2.0);
  EXPECT_EQ(to_text(json), "gaussian-blur sigma=2 border=wrap | otsu");
}

TEST(Pipeline, JsonMayBeAnArrayAlone) {
  EXPECT_EQ(parse_pipeline(R"( [{"name": "otsu"}] )"), parse_pipeline("otsu"));
}

TEST(Pipeline, DefaultsAreNotFilledIn) { EXPECT_TRUE(parse_pipeline("gaussian-blur")[0].parameters.empty()); }

TEST(Pipeline, WhitespaceAndQuotesAreFree) {
  EXPECT_EQ(parse_pipeline("  gaussian-blur\t sigma=\"2\"\n  |\n otsu \n"),
            parse_pipeline("gaussian-blur sigma=2|otsu"));
}

TEST(Pipeline, VersionIsChecked) {
  EXPECT_EQ(parse_pipeline("otsu@1"), parse_pipeline("otsu"));
  std::string sentence;
  EXPECT_EQ(code_of("otsu@999", &sentence), ErrorCode::unknown_operator);
  EXPECT_EQ(sentence,
            "otsu: version 999 was asked for, but this Tessera has version 1 only. (at character 1 of the "
            "pipeline)");
  EXPECT_EQ(code_of("otsu@"), ErrorCode::usage);
  EXPECT_EQ(code_of("otsu@one"), ErrorCode::usage);
  EXPECT_EQ(code_of("otsu@99999999999999999999"), ErrorCode::usage);
  EXPECT_EQ(code_of(R"([{"name": "otsu", "version": 2}])"), ErrorCode::unknown_operator);
}

TEST(Pipeline, ErrorsSayWhere) {
  std::string sentence;
  EXPECT_EQ(code_of("otsu | gausian-blur sigma=2", &sentence), ErrorCode::unknown_operator);
  EXPECT_NE(sentence.find("Did you mean 'gaussian-blur'?"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("(at character 8 of the pipeline)"), std::string::npos) << sentence;
  EXPECT_EQ(code_of("otsu | gaussian-blur sigma=-1", &sentence), ErrorCode::bad_parameter);
  EXPECT_NE(sentence.find("at character 22"), std::string::npos) << sentence;
  EXPECT_EQ(code_of("gaussian-blur sgma=2", &sentence), ErrorCode::bad_parameter);
  EXPECT_NE(sentence.find("Did you mean 'sigma'?"), std::string::npos) << sentence;
  EXPECT_EQ(
      code_of(R"({"operators": [{"name": "otsu"}, {"name": "gaussian-blur", "parameters": {"sigma": "a"}}]})",
              &sentence),
      ErrorCode::bad_parameter);
  EXPECT_NE(sentence.find("at operators[1]"), std::string::npos) << sentence;
}

TEST(Pipeline, PositionCountsCharactersNotBytes) {
  std::string sentence;
  EXPECT_EQ(code_of("\"é\"", &sentence), ErrorCode::usage);
  EXPECT_EQ(code_of("gaussian-blur border=\"é\" | nothing", &sentence), ErrorCode::bad_parameter);
  EXPECT_EQ(code_of("é | otsu", &sentence), ErrorCode::unknown_operator);
  EXPECT_NE(sentence.find("at character 1 "), std::string::npos) << sentence;
}

TEST(Pipeline, RefusesWhatIsMalformed) {
  for (const char* text : {"|",
                           "otsu |",
                           "| otsu",
                           "otsu || otsu",
                           "gaussian-blur sigma",
                           "gaussian-blur sigma=",
                           "gaussian-blur sigma= 2",
                           "gaussian-blur =2",
                           "gaussian-blur sigma=2 sigma=3",
                           "gaussian-blur sigma=\"2",
                           "gaussian-blur sigma=\"2\"x",
                           "gaussian-blur border=\"a\\n\"",
                           "\"otsu\"",
                           "sigma=2",
                           "@soft",
                           "@",
                           "{}",
                           "[",
                           "{\"operators\": 3}",
                           "{\"operators\": [], \"x\": 1}",
                           "[3]",
                           "[{}]",
                           "[{\"name\": 3}]",
                           "[{\"name\": \"otsu\", \"colour\": 1}]",
                           "[{\"name\": \"otsu\", \"version\": 1.5}]",
                           "[{\"preset\": \"x\", \"name\": \"otsu\"}]",
                           "[{\"preset\": 1}]",
                           "\xff",
                           "otsu \xc0\xaf",
                           "\xed\xa0\x80",
                           "[\"\xff\"]"}) {
    EXPECT_EQ(code_of(text), ErrorCode::usage) << text;
  }
  EXPECT_EQ(code_of("gaussian-blur sigma=2\"3\""), ErrorCode::usage);
  EXPECT_EQ(code_of("gaussian-blur sigma=nan"), ErrorCode::bad_parameter);
  EXPECT_EQ(code_of("gaussian-blur sigma=1e999"), ErrorCode::bad_parameter);
  EXPECT_EQ(code_of("[{\"name\": \"gaussian-blur\", \"parameters\": [1]}]"), ErrorCode::bad_parameter);
}

TEST(Pipeline, MayBeEmpty) {
  for (const char* text : {"", "  ", "[]", "{\"operators\": []}"}) {
    EXPECT_TRUE(parse_pipeline(text).empty()) << text;
  }
  EXPECT_EQ(to_text(PipelineSteps{}), "");
}

TEST(Pipeline, SomeOperatorsTakeWordsWithoutAName) {
  for (const auto& [text, expected] :
       {std::pair{"resize 50%", "resize scale=0.5"}, std::pair{"resize 800", "resize width=800"},
        std::pair{"resize 1600x1067", "resize width=1600 height=1067"},
        std::pair{"resize x600", "resize height=600"},
        std::pair{"resize 300x300 fit=cover north", "resize width=300 height=300 fit=cover gravity=north"},
        std::pair{"rotate 90", "rotate angle=90"},
        std::pair{"rotate -7.5 expand=false", "rotate angle=-7.5 expand=false"},
        std::pair{"crop 3:2", "crop aspect=3:2"}, std::pair{"crop 640x480", "crop width=640 height=480"},
        std::pair{"crop 1:1 south-west", "crop aspect=1:1 gravity=south-west"},
        std::pair{"resize width=100px", "resize width=100"}}) {
    EXPECT_EQ(to_text(parse_pipeline(text)), expected);
  }
  for (const char* text :
       {"resize 50", "resize 0", "resize x", "resize 5%%", "resize -3", "rotate", "crop 3:", "crop 0:1",
        "gaussian-blur 3", "resize 800 width=800", "resize width=800 800"}) {
    if (std::string_view(text) == "resize 50" || std::string_view(text) == "rotate") {
      EXPECT_NO_THROW(static_cast<void>(parse_pipeline(text))) << text;
    } else {
      EXPECT_EQ(code_of(text), ErrorCode::usage) << text;
    }
  }
}

TEST(Pipeline, OlderVersionsKeepTheirMeaning) {
  for (const auto& [text, expected] :
       {std::pair{"resize@1 width=30 height=20", "resize width=30 height=20 fit=fill"},
        std::pair{"resize@1 width=30 height=20 fit=true", "resize width=30 height=20"},
        std::pair{"resize@1 width=30", "resize width=30"},
        std::pair{
            R"([{"name": "resize", "version": 1, "parameters": {"width": 30, "height": 20, "fit": false}}])",
            "resize width=30 height=20 fit=fill"},
        std::pair{R"([{"name": "resize", "version": 1, "parameters": {"scale": 0.5, "fit": true}}])",
                  "resize scale=0.5"}}) {
    EXPECT_EQ(to_text(parse_pipeline(text)), expected) << text;
  }
  EXPECT_EQ(code_of("resize@1 width=3 fit=cover"), ErrorCode::bad_parameter);
  EXPECT_EQ(code_of("resize@1 widht=3"), ErrorCode::bad_parameter);
  EXPECT_EQ(code_of("resize@3 width=3"), ErrorCode::unknown_operator);
  EXPECT_EQ(code_of("resize@0 width=3"), ErrorCode::unknown_operator);
}

TEST(Pipeline, CommonWordsLeadToTheOperatorsThatAreMeant) {
  const auto sentence_of = [](std::string_view text) {
    std::string sentence;
    EXPECT_EQ(code_of(text, &sentence), ErrorCode::unknown_operator);
    return sentence;
  };
  EXPECT_NE(sentence_of("denoise").find("'non-local-means', 'median', 'bilateral'"), std::string::npos)
      << sentence_of("denoise");
  EXPECT_NE(sentence_of("gausian-blur").find("'gaussian-blur'"), std::string::npos);
  EXPECT_NE(sentence_of("contrast").find("Did you mean"), std::string::npos) << sentence_of("contrast");
  // Each suggestion is an operator.
  for (const char* word :
       {"blur",      "gauss",    "smooth",    "gray",       "monochrome", "desaturate", "denoise",
        "despeckle", "scale",    "thumbnail", "trim",       "margin",     "mirror",     "turn",
        "negative",  "binarize", "edges",     "corners",    "lines",      "histogram",  "erosion",
        "dilation",  "overlay",  "unsharp",   "components", "fft",        "lowpass",    "highpass"}) {
    const std::string sentence = sentence_of(word);
    std::size_t at = sentence.find("Did you mean '");
    ASSERT_NE(at, std::string::npos) << sentence;
    at += std::string_view("Did you mean ").size();
    while (sentence[at] == '\'') {
      const std::size_t end = sentence.find('\'', at + 1);
      EXPECT_NO_THROW(static_cast<void>(find_operator(sentence.substr(at + 1, end - at - 1)))) << sentence;
      at = end + (sentence.compare(end, 4, "', '") == 0 ? 3 : 1);
    }
  }
}

TEST(Pipeline, BracketsWithoutEndAreRefusedBeforeAnythingRecurses) {
  constexpr int deep = 32'000;
  const std::string brackets = std::string(deep, '[') + std::string(deep, ']');
  EXPECT_EQ(code_of(brackets), ErrorCode::usage);
  EXPECT_EQ(code_of("[{\"name\":\"otsu\",\"parameters\":" + brackets + "}]"), ErrorCode::usage);
  EXPECT_THROW(static_cast<void>(parse_presets("{\"presets\":{\"x\":" + brackets + "}}")), Error);
}

TEST(Pipeline, SizeIsLimited) {
  EXPECT_EQ(code_of(std::string(70000, 'a')), ErrorCode::limit_exceeded);
  std::string many = "otsu";
  for (int i = 0; i < 256; ++i) {
    many += "|otsu";
  }
  EXPECT_EQ(code_of(many), ErrorCode::limit_exceeded);
  EXPECT_EQ(parse_pipeline(many.substr(5)).size(), 256U);
  // A deeply nested document must not exhaust the stack.
  EXPECT_EQ(code_of(std::string(60000, '[')), ErrorCode::usage);
}

TEST(Presets, StandForTheirSteps) {
  const Presets presets = parse_presets(
      R"({"presets": {"soft": "gaussian-blur sigma=2", "ink": [{"name": "otsu"}],
                      "both": {"operators": [{"preset": "soft"}, {"preset": "ink"}]}, "more": "@both | invert"}})");
  EXPECT_EQ(parse_pipeline("@soft | otsu", presets), parse_pipeline("gaussian-blur sigma=2 | otsu"));
  EXPECT_EQ(parse_pipeline("@more", presets), parse_pipeline("gaussian-blur sigma=2 | otsu | invert"));
  std::string sentence;
  EXPECT_EQ(code_of("@sofd", &sentence, presets), ErrorCode::usage);
  EXPECT_NE(sentence.find("Did you mean '@soft'?"), std::string::npos) << sentence;
  EXPECT_EQ(code_of("@soft sigma=3", &sentence, presets), ErrorCode::usage);
  EXPECT_NE(sentence.find("takes no parameters"), std::string::npos) << sentence;
}

TEST(Presets, RefuseWhatIsMalformed) {
  for (const char* text : {"", "[]", "{}", R"({"presets": []})", R"({"presets": {"a b": "otsu"}})",
                           R"({"presets": {"": "otsu"}})", R"({"presets": {"later": "@x", "x": "otsu"}})",
                           R"({"presets": {"x": 3}})", R"({"presets": {"x": "@x"}})"}) {
    EXPECT_THROW(static_cast<void>(parse_presets(text)), Error) << text;
  }
  try {
    const Presets presets = parse_presets(R"({"presets": {"x": "otsuu"}})");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unknown_operator);
    EXPECT_NE(std::string(error.what()).find("in the preset 'x'"), std::string::npos) << error.what();
  }
}

TEST(Presets, AreReadFromAFileThatErrorsName) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "tessera-presets.json";
  const auto failure = [](const std::string& name) {
    try {
      static_cast<void>(read_presets(name));
    } catch (const Error& error) {
      return std::pair(error.code(), error.what() + std::string());
    }
    return std::pair(ErrorCode::internal, std::string());
  };
  std::ofstream(file) << R"({"presets": {"soft": "gaussian-blur sigma=2"}})";
  EXPECT_EQ(parse_pipeline("@soft", read_presets(file.string())).size(), 1U);
  std::ofstream(file) << "{";
  EXPECT_EQ(failure(file.string()).first, ErrorCode::usage);
  EXPECT_NE(failure(file.string()).second.find(file.string()), std::string::npos);
  std::ofstream(file) << std::string((4 << 20) + 1, ' ');
  EXPECT_EQ(failure(file.string()).first, ErrorCode::limit_exceeded);
  std::filesystem::remove(file);
  EXPECT_EQ(failure(file.string()).first, ErrorCode::not_found);
  EXPECT_EQ(failure(::testing::TempDir()).first, ErrorCode::io);
}

TEST(Presets, BuiltInOnesAreValidAndGiveWayToOwnOnes) {
  const Presets presets = with_built_in_presets(parse_presets(R"({"presets": {"web": "otsu"}})"));
  EXPECT_EQ(presets.size(), built_in_presets().size());
  EXPECT_EQ(presets.at("web"), parse_pipeline("otsu"));
  for (const BuiltInPreset& preset : built_in_presets()) {
    EXPECT_TRUE(is_preset_name(preset.name)) << preset.name;
    EXPECT_FALSE(preset.description.empty()) << preset.name;
    EXPECT_EQ(find_built_in_preset(preset.name), &preset);
    // Every one works on a photograph, in colour and in gray.
    for (const int channels : {1, 3}) {
      EXPECT_NO_THROW(static_cast<void>(make_plan(build_pipeline(parse_pipeline(preset.pipeline)),
                                                  {{4000, 3000}, {Depth::u8, channels, false}}, {})))
          << preset.name;
    }
  }
  EXPECT_EQ(find_built_in_preset("soft"), nullptr);
}

TEST(Presets, AFileOfOneComesBackAsItWasWritten) {
  const auto file = std::filesystem::path(::testing::TempDir()) / "tessera-soft.json";
  const Presets known = with_built_in_presets({});
  const PresetFile soft{"Soft \"light\"", parse_pipeline("gaussian-blur sigma=2 | watermark text=\"a | b\"")};
  std::ofstream(file) << to_file_text(soft);
  EXPECT_EQ(read_preset(file.string(), known).description, soft.description);
  EXPECT_EQ(read_preset(file.string(), known).pipeline, soft.pipeline);
  std::ofstream(file) << R"({"pipeline": [{"preset": "scan"}, {"name": "invert"}]})";
  EXPECT_EQ(read_preset(file.string(), known).pipeline.size(), known.at("scan").size() + 1);
  for (const char* text : {"", "[]", "{}", R"({"pipeline": 3})", R"({"pipeline": "otsuu"})",
                           R"({"pipeline": "otsu", "description": 3})"}) {
    std::ofstream(file) << text;
    try {
      static_cast<void>(read_preset(file.string(), known));
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("tessera-soft.json"), std::string::npos) << error.what();
    }
  }
  std::filesystem::remove(file);
}

TEST(Presets, CannotGrowWithoutEnd) {
  std::string json = R"({"presets": {"p0": "otsu | otsu")";
  for (int i = 1; i < 40; ++i) {
    json += fmt::format(R"(, "p{}": "@p{} | @p{}")", i, i - 1, i - 1);
  }
  try {
    const Presets presets = parse_presets(json + "}}");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit_exceeded);
  }
}

TEST(Pipeline, BuildsOperatorsWithDefaults) {
  const auto operators = build_pipeline(parse_pipeline("gaussian-blur sigma=3 | otsu"));
  ASSERT_EQ(operators.size(), 2U);
  EXPECT_EQ(operators[0].parameters["sigma"], 3.0);
  EXPECT_EQ(operators[0].parameters["border"], "reflect101");
}

Json random_value(const ParamInfo& param, std::mt19937& random) {
  std::uniform_real_distribution<double> real(param.limits.min, std::max(param.limits.min, param.limits.max));
  switch (param.type) {
    case ParamType::number:
      return real(random);
    case ParamType::integer: {
      const auto value = static_cast<std::int64_t>(real(random));
      return param.limits.odd && value % 2 == 0 ? static_cast<std::int64_t>(param.limits.min) | 1 : value;
    }
    case ParamType::boolean:
      return random() % 2 == 0;
    case ParamType::choice:
      return param.choices[random() % param.choices.size()];
    case ParamType::color:
      return fmt::format("#{:06x}", random() % 0x1000000);
    case ParamType::text: {
      static const std::vector<std::string> texts{
          "",          "plain",          "two words", "a|b", "\"quoted\"", "back\\slash\\",
          "snow ☃ 雪", "tab\tnew\nline", "=",         "@x"};
      return texts[random() % texts.size()];
    }
  }
  return nullptr;
}

TEST(Pipeline, EveryOperatorComesBackFromTextAndJson) {
  std::mt19937 random(7);
  for (const CatalogEntry& entry : catalog()) {
    for (int round = 0; round < 20; ++round) {
      PipelineStep step{std::string(entry.info.name)};
      for (const ParamInfo& param : entry.params) {
        if (random() % 2 == 0) {
          step.parameters[param.name] = random_value(param, random);
        }
      }
      const PipelineSteps pipeline{step, step};
      EXPECT_EQ(parse_pipeline(to_text(pipeline)), pipeline) << to_text(pipeline);
      EXPECT_EQ(parse_pipeline(to_json(pipeline).dump()), pipeline) << to_json(pipeline);
    }
  }
}

TEST(Pipeline, EveryExampleOfTheCatalogueParses) {
  for (const CatalogEntry& entry : catalog()) {
    EXPECT_NO_THROW(static_cast<void>(parse_pipeline(entry.info.example))) << entry.info.example;
  }
}

}  // namespace
}  // namespace tessera
