// SPDX-License-Identifier: Apache-2.0
// tessera presets: what a person keeps under a name, and what '@name' then does.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tessera::testing {
namespace {

using nlohmann::json;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

class PresetsCommand : public ::testing::Test {
 protected:
  void SetUp() override { write_file(in, pnm(60, 40, 3)); }

  [[nodiscard]] Outcome run(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {{"XDG_CONFIG_HOME=" + folder / "config"}});
  }
  void expect_error(const std::vector<std::string>& arguments, const std::string& part) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err.rfind("tessera: ", 0), 0U) << outcome.err;
    expect_has(outcome.err, part);
  }
  /// Of `tessera presets --json`, by name.
  [[nodiscard]] json listed(const std::string& name) const {
    const json answer = json::parse(run({"presets", "--json"}).out);
    for (const json& preset : answer["presets"]) {
      if (preset["name"] == name) {
        return preset;
      }
    }
    return nullptr;
  }

  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
  std::string out = folder / "out.png";
  std::string stored = folder / "config/tessera/presets/soft.json";
};

TEST_F(PresetsCommand, BuiltInOnesAreListedAndWork) {
  const Outcome names = run({"presets", "--names"});
  ASSERT_EQ(names.exit_code, 0) << names.err;
  EXPECT_GE(std::ranges::count(names.out, '\n'), 10);
  const Outcome list = run({"presets"});
  expect_has(list.out, "Built in\n");
  expect_has(list.out, "@black-and-white  Shades of gray");
  EXPECT_EQ(run({"presets", "list"}).out, list.out);
  EXPECT_EQ(listed("scan")["origin"], "built in");
  EXPECT_EQ(run({"apply", "@black-and-white", in, "-o", out}).exit_code, 0);
  EXPECT_EQ(run({"apply", listed("black-and-white")["text"], in, "-o", folder / "same.png"}).exit_code, 0);
  EXPECT_EQ(read_file(out), read_file(folder / "same.png"));
}

TEST_F(PresetsCommand, SavedOnesStandForTheirPipelines) {
  const Outcome saved = run({"presets", "save", "soft", "@black-and-white | gaussian-blur sigma=2",
                             "--description", "Gray and soft"});
  ASSERT_EQ(saved.exit_code, 0) << saved.err;
  expect_has(saved.out, stored);
  const json soft = listed("soft");
  EXPECT_EQ(soft["origin"], stored);
  EXPECT_EQ(soft["description"], "Gray and soft");
  EXPECT_EQ(soft["text"], "grayscale | auto-levels | gaussian-blur sigma=2");
  expect_has(run({"presets"}).out, "Your own\n  @soft");
  expect_has(run({"presets", "show", "soft"}).out, "grayscale | auto-levels | gaussian-blur sigma=2");
  ASSERT_EQ(run({"apply", "@soft | invert", in, "-o", out}).exit_code, 0);
  ASSERT_EQ(run({"apply", "grayscale | auto-levels | gaussian-blur sigma=2 | invert", in, "-o",
                 folder / "same.png"})
                .exit_code,
            0);
  EXPECT_EQ(read_file(out), read_file(folder / "same.png"));
  EXPECT_EQ(run({"explain", "@soft", in}).exit_code, 0);

  expect_error({"presets", "save", "soft", "invert"}, "--force");
  EXPECT_EQ(run({"presets", "save", "soft", "invert", "--force"}).exit_code, 0);
  EXPECT_EQ(listed("soft")["text"], "invert");
  EXPECT_EQ(run({"presets", "remove", "soft"}).exit_code, 0);
  EXPECT_EQ(listed("soft"), nullptr);
  expect_error({"apply", "@soft", in, "-o", out, "--force"}, "There is no preset 'soft'");
}

TEST_F(PresetsCommand, NamesAndPipelinesAreChecked) {
  expect_error({"presets", "save", "a b", "invert"}, "'a b' cannot name a preset");
  expect_error({"presets", "save", "../x", "invert"}, "'../x' cannot name a preset");
  expect_error({"presets", "remove", "../x"}, "'../x' cannot name a preset");
  expect_error({"presets", "save", "web", "invert"}, "built-in");
  expect_error({"presets", "remove", "web"}, "built in and cannot be removed");
  expect_error({"presets", "remove", "sott"}, "There is no preset 'sott'");
  expect_error({"presets", "show", "black-and-whit"}, "Did you mean '@black-and-white'?");
  EXPECT_NE(run({"presets", "save", "soft", "gaussian-blurr"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(stored));
}

TEST_F(PresetsCommand, ADamagedFileIsNamedWhereItMatters) {
  std::filesystem::create_directories(folder / "config/tessera/presets");
  write_file(stored, "{\"pipeline\": \"gaussian-blur sigma=\"");
  expect_error({"presets"}, stored);
  expect_has(run({"presets"}).out, "@scan");
  expect_error({"presets", "show", "soft"}, stored);
  expect_error({"apply", "@soft", in, "-o", out}, stored);
  EXPECT_EQ(listed("soft")["error"]["code"], "usage");
  // Others do not suffer, and it can be replaced or removed.
  EXPECT_EQ(run({"apply", "@black-and-white", in, "-o", out}).exit_code, 0);
  EXPECT_EQ(run({"presets", "remove", "soft"}).exit_code, 0);
  EXPECT_EQ(run({"presets"}).exit_code, 0);

  const std::string shared = folder / "config/tessera/presets.json";
  write_file(shared, "{\"presets\": {\"mine\": 3}}");
  EXPECT_EQ(run({"apply", "@black-and-white", in, "-o", out, "--force"}).exit_code, 0);
  expect_error({"apply", "@mine", in, "-o", out, "--force"}, shared);
  write_file(shared, "{\"presets\": {\"mine\": \"invert\"}}");
  EXPECT_EQ(listed("mine")["origin"], shared);
  expect_error({"presets", "remove", "mine"}, "one of several in '" + shared);
}

TEST_F(PresetsCommand, BashCompletesThem) {
  ASSERT_EQ(run({"presets", "save", "soft", "invert"}).exit_code, 0);
  write_file(folder / "script", run_program({"completion", "bash"}).out);
  const auto complete = [&](const std::string& words) {
    const std::string program =
        "export XDG_CONFIG_HOME='" + folder / "config" + "'; source '" + folder / "script" +
        "'; compopt() { :; }; COMP_WORDS=('" TESSERA_PROGRAM "' " + words +
        "); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); _tessera; printf '%s\\n' \"${COMPREPLY[@]}\"";
    return run_other("bash", {"-c", program}).out;
  };
  EXPECT_EQ(complete("apply @so"), "@soft\n");
  EXPECT_EQ(complete("apply '\"invert | @black'"), "invert | @black-and-white\n");
  EXPECT_EQ(complete("presets sh"), "show\n");
  EXPECT_EQ(complete("presets show so"), "soft\n");
  EXPECT_EQ(complete("presets save new gaussian-b"), "gaussian-blur\n");
  EXPECT_EQ(complete("presets save --desc"), "--description\n");
}

}  // namespace
}  // namespace tessera::testing
