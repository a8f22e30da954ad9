// SPDX-License-Identifier: Apache-2.0
// The client's commands as a person uses them: names of files, tables, what was done to which job.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "service/service_process.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

const std::string small_ppm = "P6 2 2 255\nabcdefghijkl";

void write(const fs::path& file, const std::string& content) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

class ClientCommands : public ::testing::Test {
 protected:
  [[nodiscard]] CommandOutcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin() + 1, {"--server", serve.url()});
    return tessera(std::move(arguments));
  }
  [[nodiscard]] std::vector<std::string> files_below(const fs::path& root) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.is_regular_file()) {
        names.push_back(fs::relative(entry.path(), root).string());
      }
    }
    std::ranges::sort(names);
    return names;
  }
  ServeProcess serve;
  fs::path folder = serve.folder() / "work";
};

TEST_F(ClientCommands, SubmitTakesFoldersPatternsAndStandardInput) {
  write(folder / "photos/a.ppm", small_ppm);
  write(folder / "photos/2024/a.ppm", small_ppm);
  write(folder / "photos/2024/notes.txt", "no image");
  const CommandOutcome tree =
      run({"submit", "invert", "-r", folder / "photos", "-o", folder / "out", "--format", "png"});
  ASSERT_EQ(tree.exit_code, 0) << tree.err;
  EXPECT_EQ(files_below(folder / "out"), (std::vector<std::string>{"2024/a-invert.png", "a-invert.png"}));

  const CommandOutcome pattern =
      run({"submit", "invert", folder / "photos/*.ppm", "-o", folder / "one", "--format", "png"});
  ASSERT_EQ(pattern.exit_code, 0) << pattern.err;
  EXPECT_EQ(files_below(folder / "one"), std::vector<std::string>{"a-invert.png"});

  const CommandOutcome piped = run_command(
      {"bash", "-c",
       fmt::format("'{}' submit --server {} invert - -o '{}' < '{}'", TESSERA_PROGRAM, serve.url(),
                   (folder / "piped.png").string(), (folder / "photos/a.ppm").string())});
  ASSERT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_EQ(read_file(folder / "piped.png"), read_file(folder / "out/a-invert.png"));

  const CommandOutcome unsearched = run({"submit", "invert", folder / "photos", "-o", folder / "out"});
  EXPECT_EQ(unsearched.exit_code, 2);
  EXPECT_NE(unsearched.err.find("add -r"), std::string::npos) << unsearched.err;
  const CommandOutcome none = run({"submit", "invert", folder / "*.jpg"});
  EXPECT_NE(none.exit_code, 0);
  EXPECT_NE(none.err.find("No file matches"), std::string::npos) << none.err;
}

TEST_F(ClientCommands, SubmitSaysThatJobsMakeNoFoldersOfTiles) {
  write(folder / "a.ppm", small_ppm);
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"-o", folder / "a.zarr"}, {"-f", "dzi"}}) {
    std::vector<std::string> arguments{"submit", "invert", folder / "a.ppm"};
    arguments.insert(arguments.end(), asked.begin(), asked.end());
    const CommandOutcome refused = run(arguments);
    EXPECT_EQ(refused.exit_code, 2) << refused.err;
    EXPECT_NE(refused.err.find("is a folder of many files, and only 'tessera apply'"), std::string::npos)
        << refused.err;
  }
  EXPECT_FALSE(fs::exists(folder / "a.zarr"));
}

TEST_F(ClientCommands, SubmitWritesAFileWhereOneIsNamed) {
  write(folder / "a.ppm", small_ppm);
  const fs::path out = folder / "result.png";
  ASSERT_EQ(run({"submit", "invert", folder / "a.ppm", "-o", out}).exit_code, 0);
  ASSERT_TRUE(fs::is_regular_file(out));
  EXPECT_EQ(read_file(out).substr(1, 3), "PNG");
  const CommandOutcome again = run({"submit", "invert", folder / "a.ppm", "-o", out});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("--force"), std::string::npos) << again.err;
  EXPECT_EQ(run({"submit", "invert", folder / "a.ppm", "-o", out, "--force"}).exit_code, 0);
}

TEST_F(ClientCommands, PresetsOfTheServiceAndOfAPersonAreKnown) {
  write(folder / "a.ppm", small_ppm);
  write(folder / "config/tessera/presets/mine.json", R"({"pipeline": "invert | grayscale"})");
  const auto submit = [&](const std::string& pipeline) {
    return run_command({"env", "XDG_CONFIG_HOME=" + (folder / "config").string(), TESSERA_PROGRAM, "submit",
                        "--server", serve.url(), pipeline, folder / "a.ppm", "-o", folder / "presets.png",
                        "--force"});
  };
  EXPECT_EQ(submit("@black-and-white").exit_code, 0);
  const CommandOutcome mine = submit("@mine | gamma");
  ASSERT_EQ(mine.exit_code, 0) << mine.err;
  ASSERT_EQ(
      tessera({"apply", "invert | grayscale | gamma", folder / "a.ppm", "-o", folder / "same.png"}).exit_code,
      0);
  EXPECT_EQ(read_file(folder / "presets.png"), read_file(folder / "same.png"));
  const CommandOutcome unknown = submit("@mien");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("Did you mean '@mine'?"), std::string::npos) << unknown.err;
}

TEST_F(ClientCommands, ListsLineUp) {
  write(folder / "short.ppm", small_ppm);
  write(folder / "a photograph with a long name.ppm", small_ppm);
  ASSERT_EQ(run({"submit", "invert", folder / "short.ppm", folder / "a photograph with a long name.ppm", "-o",
                 folder / "out"})
                .exit_code,
            0);
  const CommandOutcome listed = run({"ls"});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  const std::vector<std::string> lines = lines_of(listed.out);
  ASSERT_EQ(lines.size(), 3U) << listed.out;
  const std::size_t state = lines[0].find("STATE");
  ASSERT_NE(state, std::string::npos);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].find("done"), state) << listed.out;
    EXPECT_EQ(lines[i].find(".ppm") < state, true);
    EXPECT_NE(lines[i].find(" bytes"), std::string::npos);
  }
  EXPECT_EQ(listed.out.find('\x1b'), std::string::npos);
  EXPECT_NE(run({"ls", "--color=always"}).out.find("\x1b[32mdone"), std::string::npos);
  EXPECT_EQ(Json::parse(run({"ls", "--json"}).out).at("jobs").size(), 2U);
}

TEST_F(ClientCommands, CancelAndRetrySayWhatTheyDid) {
  write(folder / "a.ppm", small_ppm);
  ASSERT_EQ(run({"submit", "invert", folder / "a.ppm", "-o", folder / "out"}).exit_code, 0);
  const std::string done = Json::parse(run({"ls", "--json"}).out).at("jobs")[0].at("id");
  // One that runs until it is cancelled.
  write(folder / "endless.ppm", small_ppm);
  const CommandOutcome sent =
      run({"submit", "--no-wait", endless_pipeline_on_any_image, folder / "endless.ppm"});
  ASSERT_EQ(sent.exit_code, 0) << sent.err;
  const std::string batch = sent.out.substr(0, sent.out.find('\n'));
  const std::string running = Json::parse(run({"status", "--json", batch}).out).at("jobs")[0].at("id");

  const CommandOutcome cancelled = run({"cancel", done, running, "job_nothing"});
  EXPECT_EQ(cancelled.exit_code, meaning(ErrorCode::conflict).exit_code) << "the first refusal";
  EXPECT_NE(cancelled.out.find(fmt::format("endless.ppm ({}): cancelled.", running)), std::string::npos)
      << cancelled.out << cancelled.err;
  EXPECT_NE(cancelled.err.find(
                fmt::format("a.ppm ({}): The job is done already, so there is nothing to cancel.", done)),
            std::string::npos)
      << cancelled.err;
  EXPECT_NE(cancelled.err.find("job_nothing: "), std::string::npos) << cancelled.err;

  const CommandOutcome nothing = run({"cancel", batch});
  EXPECT_NE(nothing.exit_code, 0);
  EXPECT_NE(nothing.err.find("nothing to cancel"), std::string::npos) << nothing.err;
  const CommandOutcome retried = run({"retry", batch});
  EXPECT_EQ(retried.exit_code, 0) << retried.err;
  EXPECT_EQ(retried.out, fmt::format("{}: 1 of 1 jobs queued again.\n", batch));
  const CommandOutcome refused = run({"retry", done});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_NE(refused.err.find("only failed or cancelled jobs"), std::string::npos) << refused.err;
  EXPECT_EQ(run({"cancel", batch}).out, fmt::format("{}: 1 of 1 jobs cancelled.\n", batch));
}

}  // namespace
}  // namespace tessera::testing
