// What only a folder can do to an object store.
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/disk/object_files.hpp"
#include "adapters/disk/object_store.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

TEST(DiskStore, RemovesWhatACrashLeftBehind) {
  const testing::ServerFolder folder;
  const auto open = [&] { return open_disk_object_store(folder.path(), std::nullopt, system_now); };
  const auto put = [](ObjectStore& store, const std::string& name) {
    const auto body = memory_source("abc");
    store.put(name, *body, "image/x-of-its-own");
  };
  {
    const auto store = open();
    for (const char* name : {"a/whole", "a/old", "b/only", "a/young"}) {
      put(*store, name);
    }
  }
  // Killed after the type was written, before the object was.
  const auto type_of = [&](const std::string& name) { return folder.path() / "types" / disk::file_of(name); };
  const auto yesterday = fs::file_time_type::clock::now() - std::chrono::hours(25);
  for (const char* name : {"a/old", "b/only", "a/young"}) {
    fs::remove(folder.path() / "objects" / disk::file_of(name));
  }
  for (const char* name : {"a/whole", "a/old", "b/only"}) {
    fs::last_write_time(type_of(name), yesterday);
  }
  std::ofstream(folder.path() / "incoming" / "put_old") << "half";
  std::ofstream(folder.path() / "incoming" / "put_young") << "half";
  fs::last_write_time(folder.path() / "incoming" / "put_old", yesterday);

  const auto store = open();
  EXPECT_FALSE(fs::exists(type_of("a/old")));
  EXPECT_FALSE(fs::exists(type_of("b/only").parent_path()));
  EXPECT_TRUE(fs::exists(type_of("a/young"))) << "its object may be on its way";
  EXPECT_EQ(store->stat("a/whole")->content_type, "image/x-of-its-own");
  EXPECT_FALSE(fs::exists(folder.path() / "incoming" / "put_old"));
  EXPECT_TRUE(fs::exists(folder.path() / "incoming" / "put_young"));
}

TEST(DiskStore, MakesFoldersForNamesOfAnyDepth) {
  const testing::ServerFolder folder;
  const auto store = open_disk_object_store(folder.path() / "not" / "yet", std::nullopt, system_now);
  const auto body = memory_source("abc");
  store->put("a/b/c/d/e", *body, "");
  EXPECT_EQ(store->stat("a/b/c/d/e")->size_bytes, 3);
  store->remove("a/b/c/d/e");
  EXPECT_FALSE(fs::exists(folder.path() / "not" / "yet" / "objects" / "a"));
}

}  // namespace
}  // namespace tessera
