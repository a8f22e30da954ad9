// SPDX-License-Identifier: Apache-2.0
// What only a folder can do to an object store.
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/disk/object_files.hpp"
#include "adapters/disk/object_store.hpp"
#include "base/error.hpp"
#include "servers/server_process.hpp"
#include "support/errors.hpp"

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

TEST(DiskStore, FollowsNoLinksOutOfTheFolder) {
  const testing::ServerFolder folder;
  const auto store = open_disk_object_store(folder.path() / "store", std::nullopt, system_now);
  const auto body = memory_source("abc");
  store->put("a/here", *body, "");
  const fs::path secret = folder.path() / "secret";
  fs::create_directories(secret);
  std::ofstream(secret / disk::file_of("file")) << "secret";
  const fs::path objects = folder.path() / "store" / "objects";
  fs::create_symlink(secret / disk::file_of("file"), objects / disk::file_of("a/link"));
  fs::create_directory_symlink(secret, objects / "b");
  for (const char* name : {"a/link", "b/file"}) {
    EXPECT_FALSE(store->stat(name)) << name;
    EXPECT_FALSE(store->local_file(name)) << name;
    StringSink sink;
    EXPECT_EQ(testing::code_of([&] { store->get(name, sink); }), ErrorCode::not_found) << name;
    EXPECT_EQ(sink.text, "") << name;
  }
  const ObjectPage page = store->list("", "", 10);
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].name, "a/here");
}

TEST(DiskStore, ChangesTheEtagWithEveryWrite) {
  const testing::ServerFolder folder;
  const auto store = open_disk_object_store(folder.path(), std::nullopt, system_now);
  const auto put = [&] {
    const auto body = memory_source("abc");
    return store->put("a", *body, "").etag;
  };
  const std::string first = put();
  StringSink sink;
  EXPECT_EQ(store->stat("a")->etag, first);
  EXPECT_EQ(store->get("a", sink).etag, first);
  EXPECT_NE(put(), first) << "also where the content is the same";
}

}  // namespace
}  // namespace tessera
