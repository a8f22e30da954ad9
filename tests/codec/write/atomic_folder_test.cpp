// SPDX-License-Identifier: Apache-2.0
// Folders that appear whole or not at all.
#include "codec/io/atomic_folder.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "base/error.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class AtomicFolders : public ::testing::Test {
 protected:
  AtomicFolders() : folder_(fs::temp_directory_path() / fmt::format("tessera-folders-{}", getpid())) {
    fs::create_directories(folder_);
  }
  ~AtomicFolders() override { fs::remove_all(folder_); }

  static void put(const FolderFiles& files, const std::string& path, std::string_view text) {
    const std::array parts{std::as_bytes(std::span(text))};
    files.write(path, parts);
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      found.insert(entry.path().filename());
    }
    return found;
  }
  /// A result of two entries, the second of which describes the first.
  [[nodiscard]] AtomicFolder make() const {
    return {folder_, {{"tiles", "out_files"}, {"description", "out.dzi"}}, "out.dzi"};
  }

  fs::path folder_;
};

TEST_F(AtomicFolders, AppearWithAllTheirFilesWhenTheyAreComplete) {
  {
    AtomicFolder result = make();
    put(result.files(), "new/tiles/3/0_0.png", "a tile");
    put(result.files(), "new/description", "a description");
    EXPECT_FALSE(fs::exists(folder_ / "out_files"));
    result.commit();
  }
  EXPECT_EQ(content("out_files/3/0_0.png"), "a tile");
  EXPECT_EQ(content("out.dzi"), "a description");
  EXPECT_EQ(names(), (std::set<std::string>{"out_files", "out.dzi"}));
}

TEST_F(AtomicFolders, TakeThePlaceOfOlderOnes) {
  for (const std::string_view text : {"old", "new"}) {
    AtomicFolder result = make();
    put(result.files(), fmt::format("new/tiles/{}", text), text);
    put(result.files(), "new/description", text);
    result.commit();
  }
  EXPECT_EQ(content("out.dzi"), "new");
  EXPECT_FALSE(fs::exists(folder_ / "out_files/old"));
  EXPECT_TRUE(fs::exists(folder_ / "out_files/new"));
  EXPECT_EQ(names(), (std::set<std::string>{"out_files", "out.dzi"}));
}

TEST_F(AtomicFolders, LeaveTheOlderOnesWhereTheyCannotBePlaced) {
  {
    AtomicFolder result = make();
    put(result.files(), "new/tiles/old", "old");
    put(result.files(), "new/description", "old");
    result.commit();
  }
  {
    AtomicFolder result = make();
    put(result.files(), "new/tiles/new", "new");
    EXPECT_THROW(result.commit(), Error) << "there is no description";
  }
  EXPECT_EQ(content("out.dzi"), "old");
  EXPECT_EQ(content("out_files/old"), "old");
  EXPECT_FALSE(fs::exists(folder_ / "out_files/new"));
  EXPECT_EQ(names(), (std::set<std::string>{"out_files", "out.dzi"}));
}

TEST_F(AtomicFolders, LeaveNothingThoughOthersAreStillWriting) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> writing = false;
    std::optional<AtomicFolder> result;
    result.emplace(folder_, std::vector<AtomicFolder::Entry>{{"tiles", "out.zarr"}}, "out.zarr");
    auto other = FolderFiles::open(result->path(), "out.zarr");
    ASSERT_TRUE(other);
    std::thread rank([&] {
      try {
        for (int file = 0;; ++file) {
          put(*other, fmt::format("new/tiles/{}/{}", file % 7, file), "a tile");
          writing = true;
          writing.notify_all();
        }
      } catch (const Error&) {
        writing = true;  // the folder has gone
        writing.notify_all();
      }
    });
    writing.wait(false);
    result.reset();
    rank.join();
    EXPECT_TRUE(fs::is_empty(folder_)) << "round " << round;
  }
}

TEST_F(AtomicFolders, SayWhatIsWrong) {
  const auto sentence = [](const fs::path& parent, const std::string& name) -> std::string {
    try {
      AtomicFolder result(parent, {{"tiles", name}}, name);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      return error.what();
    }
  };
  EXPECT_NE(sentence(folder_ / "no", "out.zarr").find("does not exist. Create it first"), std::string::npos);
  EXPECT_NE(sentence(folder_, std::string(300, 'x') + ".zarr").find("too long"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace tessera::testing
