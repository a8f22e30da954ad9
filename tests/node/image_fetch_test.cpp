// SPDX-License-Identifier: Apache-2.0
// Images on their way from the store to a node's disk.
#include "node/image_fetch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>

#include "adapters/disk/object_store.hpp"
#include "base/error.hpp"
#include "servers/server_process.hpp"
#include "support/errors.hpp"
#include "support/forwarding_object_store.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::read_file;
using testing::refusal;

/// A folder whose files cannot be used in place, as those of a bucket.
class RemoteStore final : public testing::ForwardingObjectStore {
 public:
  explicit RemoteStore(const std::filesystem::path& folder)
      : ForwardingObjectStore(open_disk_object_store(folder, {}, system_now)) {}
  std::function<void(const ByteRange& range)> before_get = [](const ByteRange&) {};
  std::atomic<int> gets = 0;

  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    ++gets;
    before_get(range.value_or(ByteRange{}));
    return ForwardingObjectStore::get(name, out, range);
  }
};

class ImageFetchTest : public ::testing::Test {
 protected:
  std::string put(std::size_t size, unsigned seed = 1) {
    std::string bytes(size, '\0');
    std::mt19937 random(seed);
    for (char& byte : bytes) {
      byte = static_cast<char>(random());
    }
    store.put("image", *memory_source(bytes), "image/png");
    request.object = "image";
    request.name = "photo.png";
    return bytes;
  }
  std::filesystem::path fetch(const std::stop_token& stop = {}) {
    return ImageFetch(store, request, folder.path() / "fetched", stop, std::chrono::seconds(0), [](auto) {})
        .wait()
        .file;
  }

  testing::ServerFolder folder;
  RemoteStore store{folder.path() / "store"};
  JobRequest request;
};

TEST_F(ImageFetchTest, GivesTheBytesOfAnyImage) {
  constexpr std::size_t part = 16 << 20;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, part, part + 1, 5 * part + 77}) {
    const std::string bytes = put(size);
    store.gets = 0;
    EXPECT_TRUE(read_file(fetch()) == bytes) << size;
    // Small ones in one request; an empty one has no range to ask for.
    EXPECT_EQ(store.gets, size == 0 ? 2 : static_cast<int>((size + part - 1) / part)) << size;
  }
}

TEST_F(ImageFetchTest, DoesNotMixVersions) {
  put(40 << 20);
  std::once_flag replaced;
  store.before_get = [&](const ByteRange& range) {
    if (range.first > 0) {
      std::call_once(replaced, [&] { put(40 << 20, 2); });
    }
  };
  EXPECT_NE(refusal([&] { fetch(); }, ErrorCode::unavailable).find("was replaced while it was being fetched"),
            std::string::npos);
}

TEST_F(ImageFetchTest, RefusesAnotherImageThanTheAcceptedOne) {
  put(1000);
  request.object_tag = "of another";
  EXPECT_EQ(code_of([&] { fetch(); }), ErrorCode::conflict);
}

TEST_F(ImageFetchTest, StopsWhenItIsToldTo) {
  put(40 << 20);
  std::stop_source stop;
  store.before_get = [&](const ByteRange& range) {
    if (range.first > 0) {
      stop.request_stop();
    }
  };
  EXPECT_EQ(code_of([&] { fetch(stop.get_token()); }), ErrorCode::cancelled);
}

TEST_F(ImageFetchTest, SaysThatTheImageIsGone) {
  put(1000);
  store.remove("image");
  EXPECT_EQ(refusal([&] { fetch(); }, ErrorCode::not_found),
            "The image 'photo.png' no longer exists: upload it again.");
}

}  // namespace
}  // namespace tessera
