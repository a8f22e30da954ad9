// SPDX-License-Identifier: Apache-2.0
// Results that are folders of tiles, as a user meets them: names, what is replaced, what is left after a failure.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "program.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

class TileFolderResults : public ::testing::Test {
 protected:
  void SetUp() override { write_file(in, pnm(300, 200, 3)); }
  [[nodiscard]] bool there(const std::string& name) const { return fs::exists(folder / name); }
  [[nodiscard]] Outcome convert(const std::string& out, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"convert", in, "-o", out});
    return run_program(more);
  }
  /// Files that are hidden beside results.
  [[nodiscard]] std::vector<std::string> hidden() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder / "")) {
      if (entry.path().filename().string().starts_with('.')) {
        found.push_back(entry.path());
      }
    }
    return found;
  }

  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
};

TEST_F(TileFolderResults, AreNamedAsFilesAre) {
  EXPECT_EQ(convert(folder / "a.zarr").exit_code, 0);
  EXPECT_TRUE(there("a.zarr/.zgroup") && there("a.zarr/1/2/0/0"));
  EXPECT_EQ(convert(folder / "a.dzi").exit_code, 0);
  EXPECT_TRUE(there("a.dzi") && there("a_files/9/1_0.jpg") && there("a_files/0/0_0.jpg"));
  EXPECT_EQ(convert(folder / "many/", {"-f", "zarr"}).exit_code, 0);
  EXPECT_TRUE(there("many/in.zarr/.zgroup"));
  EXPECT_EQ(convert(folder / "many", {"-f", "dzi", "--compression", "deflate"}).exit_code, 0);
  EXPECT_TRUE(there("many/in.dzi") && there("many/in_files/9/0_0.png"));
  const Outcome nameless = convert(folder / "nameless", {"-f", "zarr"});
  EXPECT_EQ(nameless.exit_code, 2);
  expect_has(nameless.err, "must end in .zarr");
  EXPECT_TRUE(hidden().empty());
}

TEST_F(TileFolderResults, AreReplacedOnlyWithForce) {
  for (const char* name : {"a.zarr", "a.dzi"}) {
    ASSERT_EQ(convert(folder / name, {"--tile", "64"}).exit_code, 0);
    const Outcome refused = convert(folder / name);
    EXPECT_EQ(refused.exit_code, 2);
    expect_has(refused.err, "exists: use --force");
    const Outcome skipped = convert(folder / name, {"--skip-existing"});
    EXPECT_EQ(skipped.exit_code, 0) << skipped.err;
    expect_has(skipped.out, "1 skipped because the result exists");
    EXPECT_EQ(convert(folder / name, {"--force"}).exit_code, 0);
  }
  // With the tiles of the new ones alone: 300x200 has two tiles of 256 in its largest level.
  EXPECT_TRUE(there("a.zarr/0/0/0/1") && !there("a.zarr/0/0/0/2"));
  EXPECT_TRUE(there("a_files/9/1_0.jpg") && !there("a_files/9/2_0.jpg"));
  EXPECT_TRUE(hidden().empty());
}

TEST_F(TileFolderResults, NeverReplaceWhatIsNoSuchResult) {
  fs::create_directories(folder / "photos.zarr");
  write_file(folder / "photos.zarr/photo.txt", "precious");
  write_file(folder / "file.zarr", "precious");
  fs::create_directories(folder / "a_files");
  write_file(folder / "a_files/notes.txt", "precious");
  for (const char* name : {"photos.zarr", "file.zarr", "a.dzi"}) {
    const Outcome refused = convert(folder / name, {"--force"});
    EXPECT_EQ(refused.exit_code, 2) << name;
    expect_has(refused.err, "could be replaced: move it away");
  }
  for (const char* name : {"photos.zarr/photo.txt", "file.zarr", "a_files/notes.txt"}) {
    EXPECT_EQ(read_file(folder / name), "precious");
  }
  fs::create_directories(folder / "empty.zarr");
  EXPECT_EQ(convert(folder / "empty.zarr", {"--force"}).exit_code, 0);
  EXPECT_TRUE(there("empty.zarr/.zgroup"));
}

TEST_F(TileFolderResults, NeverReplaceAnInput) {
  ASSERT_EQ(convert(folder / "a.dzi").exit_code, 0);
  const Outcome refused =
      run_program({"convert", folder / "a_files/9/0_0.jpg", "-o", folder / "a.dzi", "--force"});
  EXPECT_EQ(refused.exit_code, 2);
  expect_has(refused.err, "which the result would replace");
  EXPECT_TRUE(there("a_files/9/0_0.jpg"));
}

TEST_F(TileFolderResults, FollowALinkToAnOlderResult) {
  fs::create_directories(folder / "disk");
  ASSERT_EQ(convert(folder / "disk/real.zarr", {"--tile", "64"}).exit_code, 0);
  fs::create_symlink("disk/real.zarr", folder / "link.zarr");
  ASSERT_EQ(convert(folder / "link.zarr", {"--force"}).exit_code, 0);
  EXPECT_TRUE(fs::is_symlink(folder / "link.zarr"));
  EXPECT_FALSE(there("disk/real.zarr/0/0/0/2"));
}

TEST_F(TileFolderResults, AreOnLocalPathsOnly) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& sentence) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    expect_has(outcome.err, sentence);
  };
  refused({"convert", in, "-o", "-", "-f", "zarr"}, "standard output cannot be");
  refused({"convert", in, "-o", "/dev/null", "-f", "dzi"}, "must end in .dzi");
  refused({"convert", in, "-o", "s3://bucket/a.zarr"}, "and an object is one");
  refused({"convert", in, "-o", "gs://bucket/results/", "-f", "dzi"}, "and an object is one");
  EXPECT_FALSE(there("a.zarr"));
}

TEST_F(TileFolderResults, RefuseOptionsThatAreNotTheirs) {
  const auto refused = [&](const std::string& out, const std::vector<std::string>& options,
                           const std::string& sentence) {
    const Outcome outcome = convert(folder / out, options);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    expect_has(outcome.err, sentence);
    EXPECT_FALSE(there(out));
  };
  refused("a.zarr", {"--pyramid"}, "has smaller levels in any case");
  refused("a.dzi", {"--bigtiff"}, "'bigtiff' is an option of TIFF");
  refused("a.zarr", {"--compression", "lzw"}, "zstd, deflate and none");
  refused("a.dzi", {"--compression", "zstd"}, "JPEG");
  refused("a.dzi", {"--level", "3"}, "'level' goes with");
  refused("a.zarr", {"--compression", "deflate", "--level", "13"}, "levels from 1 to 12");
  EXPECT_TRUE(hidden().empty());
}

TEST_F(TileFolderResults, AreLeftNeitherByAnInterruptNorInTheWayOfTheNext) {
  const std::string endless = folder / "endless.pgm";
  write_endless_image(endless);
  for (const char* name : {"a.zarr", "a.dzi"}) {
    for (const int signal : {SIGINT, SIGKILL}) {
      Program program({"apply", endless_pipeline, endless, "-o", folder / name});
      while (hidden().empty()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      kill(program.pid(), signal);
      EXPECT_EQ(program.wait().exit_code, 128 + signal);
      EXPECT_FALSE(there(name));
      // A kill leaves the hidden folder, which nobody looks at again.
      EXPECT_EQ(hidden().size(), signal == SIGKILL ? 1U : 0U);
      EXPECT_EQ(convert(folder / name).exit_code, 0);
      fs::remove_all(folder / name);
      fs::remove_all(folder / "a_files");
      for (const std::string& left : hidden()) {
        fs::remove_all(left);
      }
    }
  }
}

TEST_F(TileFolderResults, SayWhyTheyCannotBeWrittenAndLeaveNothing) {
  const Outcome missing = convert(folder / "no/a.zarr");
  EXPECT_NE(missing.exit_code, 0);
  expect_has(missing.err, "does not exist. Create it first");
  const Outcome long_name = convert(folder / (std::string(252, 'x') + ".zarr"));
  EXPECT_NE(long_name.exit_code, 0);
  expect_has(long_name.err, "too long");

  // Disks of the test's own: one with too little room, one that cannot be written.
  fs::create_directories(folder / "disk");
  write_file(folder / "noise.ppm", pnm(700, 700, 3));
  std::vector<std::string> through{"unshare", "--mount"};
  if (geteuid() != 0) {
    through.insert(through.end(), {"--user", "--map-root-user"});
  }
  through.insert(through.end(), {"sh", "-c", ""});
  for (const auto& [options, reason] :
       {std::pair{"size=300k", "No space left on device"}, std::pair{"ro", "Read-only file system"}}) {
    for (const char* name : {"a.zarr", "a.dzi"}) {
      for (const char* ranks : {"1", "2"}) {
        through.back() = fmt::format(
            "mount -t tmpfs -o {0} tmpfs '{1}' || exit 99; \"$0\" \"$@\"; code=$?; echo left: $(ls -A '{1}') >&2; "
            "exit $code",
            options, folder / "disk");
        const Outcome outcome = run_program(
            {"convert", folder / "noise.ppm", "-o", folder / "disk" + "/" + name, "--ranks", ranks},
            {.through = through});
        ASSERT_NE(outcome.exit_code, 99) << outcome.err;
        EXPECT_NE(outcome.exit_code, 0) << options << ' ' << name;
        expect_has(outcome.err, fmt::format("Cannot write '{}/{}': ", folder / "disk", name));
        expect_has(outcome.err, reason);
        expect_has(outcome.err, "left:\n");
      }
    }
  }
}

}  // namespace
}  // namespace tessera::testing
