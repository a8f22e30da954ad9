// SPDX-License-Identifier: Apache-2.0
// What every object store must do, whatever is behind it.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "adapters/store/store_server.hpp"
#include "base/error.hpp"
#include "ports/part_uploads.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;

/// Bytes by formula, so that a body of any length takes no memory.
class FormulaSource final : public ByteSource {
 public:
  FormulaSource(std::int64_t size, bool tells_size, int seed = 0)
      : size_(size), tells_size_(tells_size), seed_(seed) {}
  std::size_t read(std::span<std::byte> out) override {
    const auto count =
        static_cast<std::size_t>(std::min<std::int64_t>(static_cast<std::int64_t>(out.size()), size_ - at_));
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = at(at_++, seed_);
    }
    return count;
  }
  std::optional<std::int64_t> size() const override {
    return tells_size_ ? std::optional(size_) : std::nullopt;
  }
  static std::byte at(std::int64_t position, int seed) {
    return static_cast<std::byte>((position * 31 + position / 251 + seed) & 0xff);
  }

 private:
  std::int64_t size_;
  bool tells_size_;
  int seed_;
  std::int64_t at_ = 0;
};

class BreakingSource final : public ByteSource {
 public:
  std::size_t read(std::span<std::byte> out) override {
    if (++reads_ > 2) {
      throw Error(ErrorCode::io, "The source broke.");
    }
    std::ranges::fill(out, std::byte{7});
    return out.size();
  }
  std::optional<std::int64_t> size() const override { return std::nullopt; }

 private:
  int reads_ = 0;
};

class StoreContract : public ::testing::TestWithParam<testing::StoreKind> {
 protected:
  std::unique_ptr<testing::StoreServer> server = GetParam().make();
  std::unique_ptr<ObjectStore> store = server->open();

  void put(const std::string& name, const std::string& text, const std::string& type = "text/plain") {
    const auto body = memory_source(text);
    store->put(name, *body, type);
  }
  std::string get(const std::string& name, const std::optional<ByteRange>& range = {}) {
    StringSink sink;
    store->get(name, sink, range);
    return sink.text;
  }
  std::vector<std::string> names(const std::string& prefix, int limit) {
    std::vector<std::string> all;
    std::string after;
    do {
      const ObjectPage page = store->list(prefix, after, limit);
      EXPECT_LE(static_cast<int>(page.objects.size()), limit);
      for (const ObjectInfo& object : page.objects) {
        all.push_back(object.name);
      }
      after = page.next;
    } while (!after.empty());
    return all;
  }
};

TEST_P(StoreContract, ReturnsWhatWasPut) {
  const std::int64_t big = (std::int64_t{20} << 20) + 13;
  for (const std::int64_t size : {std::int64_t{0}, std::int64_t{1}, std::int64_t{300'000}, big}) {
    for (const bool tells_size : {true, false}) {
      FormulaSource body(size, tells_size);
      const ObjectInfo put_info = store->put("a/body.bin", body, "image/x-test");
      EXPECT_EQ(put_info.size_bytes, size);
      StringSink sink;
      const ObjectInfo info = store->get("a/body.bin", sink);
      EXPECT_EQ(info.size_bytes, size);
      EXPECT_EQ(info.content_type, "image/x-test");
      ASSERT_EQ(static_cast<std::int64_t>(sink.text.size()), size);
      for (std::int64_t i = 0; i < size; i += 997) {
        ASSERT_EQ(static_cast<std::byte>(sink.text[static_cast<std::size_t>(i)]), FormulaSource::at(i, 0));
      }
    }
  }
  const ObjectInfo info = store->stat("a/body.bin").value();
  EXPECT_EQ(info.size_bytes, big);
  EXPECT_EQ(info.content_type, "image/x-test");
  EXPECT_LT(std::chrono::abs(info.modified - system_now()), std::chrono::minutes(5));
}

TEST_P(StoreContract, GivesRanges) {
  put("r", "0123456789");
  EXPECT_EQ(get("r", ByteRange{0, 0}), "0");
  EXPECT_EQ(get("r", ByteRange{3, 5}), "345");
  EXPECT_EQ(get("r", ByteRange{7, {}}), "789");
  EXPECT_EQ(get("r", ByteRange{7, 100}), "789");
  EXPECT_EQ(code_of([&] { get("r", ByteRange{10, {}}); }), ErrorCode::usage);
}

TEST_P(StoreContract, SaysWhatIsNotThere) {
  EXPECT_EQ(code_of([&] { get("nothing"); }), ErrorCode::not_found);
  EXPECT_FALSE(store->stat("nothing"));
  EXPECT_NO_THROW(store->remove("nothing"));
  EXPECT_NO_THROW(store->remove("no/such/folder"));
  put("one", "1");
  store->remove("one");
  EXPECT_FALSE(store->stat("one"));
  EXPECT_TRUE(names("", 10).empty());
}

TEST_P(StoreContract, TakesOddNamesAndRefusesImpossibleOnes) {
  const std::vector<std::string> odd{"größe/bild 1.png", "a",      "a/b",         "a.b",
                                     "100%.png",         "%25",    "x%o/y",       "q?x=1&y#z",
                                     "日本語.jpg",       "+plus+", "a=b;c,d'e\"f"};
  for (const std::string& name : odd) {
    put(name, "content of " + name);
  }
  for (const std::string& name : odd) {
    EXPECT_EQ(get(name), "content of " + name);
  }
  auto sorted = odd;
  std::ranges::sort(sorted);
  EXPECT_EQ(names("", 100), sorted);
  for (const char* name : {"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\nb"}) {
    EXPECT_EQ(code_of([&] { put(name, "x"); }), ErrorCode::usage) << name;
    EXPECT_EQ(code_of([&] { static_cast<void>(store->stat(name)); }), ErrorCode::usage) << name;
  }
}

TEST_P(StoreContract, ListsByPrefixPageByPageInOrder) {
  const std::vector<std::string> all{"a/1", "a/2", "a/b/1", "a/b/2", "a0", "ab", "b/1"};
  for (const std::string& name : all) {
    put(name, "x");
  }
  for (const int limit : {1, 2, 3, 100}) {
    EXPECT_EQ(names("", limit), all);
    EXPECT_EQ(names("a/", limit), (std::vector<std::string>{"a/1", "a/2", "a/b/1", "a/b/2"}));
    EXPECT_EQ(names("a/b", limit), (std::vector<std::string>{"a/b/1", "a/b/2"}));
    EXPECT_EQ(names("a", limit).size(), 6U);
    EXPECT_TRUE(names("c", limit).empty());
  }
}

TEST_P(StoreContract, LeavesNothingOfABodyThatBroke) {
  BreakingSource breaking;
  EXPECT_EQ(code_of([&] { store->put("half", breaking, ""); }), ErrorCode::io);
  EXPECT_FALSE(store->stat("half"));
  put("half", "old");
  BreakingSource again;
  EXPECT_EQ(code_of([&] { store->put("half", again, ""); }), ErrorCode::io);
  EXPECT_EQ(get("half"), "old");
  EXPECT_EQ(names("", 10), std::vector<std::string>{"half"});
}

TEST_P(StoreContract, ShowsReadersOldOrNewButWhole) {
  constexpr std::int64_t size = 200'000;
  FormulaSource first(size, true, 1);
  store->put("changing", first, "");
  std::atomic<bool> stop{false};
  std::jthread writer([&] {
    for (int seed = 2; !stop; ++seed) {
      FormulaSource next(size, true, seed);
      store->put("changing", next, "");
    }
  });
  for (int round = 0; round < 50; ++round) {
    const std::string text = get("changing");
    ASSERT_EQ(static_cast<std::int64_t>(text.size()), size);
    const int seed = static_cast<unsigned char>(text[0]);
    for (std::int64_t i = 0; i < size; i += 101) {
      ASSERT_EQ(static_cast<std::byte>(text[static_cast<std::size_t>(i)]), FormulaSource::at(i, seed));
    }
  }
  stop = true;
}

class PartContract : public StoreContract {
 protected:
  ObjectPart put_part(const std::string& upload, int number, const std::string& bytes) {
    const auto body = memory_source(bytes);
    return parts.put_part("big", upload, number, *body);
  }
  PartUploads& parts = store->part_uploads();
  const std::string first = std::string(static_cast<std::size_t>(min_part_bytes), 'a');
};

TEST_P(PartContract, MakesAnObjectOfPartsInAnyOrder) {
  const std::string upload = parts.begin_upload("big", "image/tiff");
  put_part(upload, 3, "end");
  put_part(upload, 1, "not this");
  const std::string middle(static_cast<std::size_t>(min_part_bytes) + 7, 'b');
  put_part(upload, 2, middle);
  put_part(upload, 1, first);
  EXPECT_FALSE(store->stat("big"));
  const auto listed = parts.list_parts("big", upload);
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0].number, 1);
  EXPECT_EQ(listed[0].size_bytes, min_part_bytes);
  EXPECT_EQ(listed[2].size_bytes, 3);
  const ObjectInfo made = parts.complete_upload("big", upload, listed);
  EXPECT_EQ(made.size_bytes, 2 * min_part_bytes + 10);
  EXPECT_TRUE(get("big") == first + middle + "end");
  EXPECT_EQ(store->stat("big")->content_type, "image/tiff");
  // The answer may have been lost.
  EXPECT_NO_THROW(parts.complete_upload("big", upload, listed));
  EXPECT_EQ(code_of([&] { put_part(upload, 4, "more"); }), ErrorCode::not_found);
}

TEST_P(PartContract, RefusesPartsThatAreMissingChangedOrTooSmall) {
  const std::string upload = parts.begin_upload("big", "");
  const ObjectPart one = put_part(upload, 1, first);
  const auto completing = [&](const std::vector<ObjectPart>& of) {
    return code_of([&] { parts.complete_upload("big", upload, of); });
  };
  EXPECT_EQ(completing({one, {2, 3, one.etag}}), ErrorCode::usage);
  put_part(upload, 1, std::string(first.size(), 'c'));
  EXPECT_EQ(completing({one}), ErrorCode::usage);
  const ObjectPart small = put_part(upload, 1, "small");
  const ObjectPart last = put_part(upload, 2, "last");
  EXPECT_EQ(completing({small, last}), ErrorCode::usage);
  EXPECT_EQ(completing({last, small}), ErrorCode::usage);
  EXPECT_FALSE(store->stat("big"));
  for (const int number : {0, -1, max_parts + 1}) {
    EXPECT_EQ(code_of([&] { put_part(upload, number, "x"); }), ErrorCode::usage) << number;
  }
}

TEST_P(PartContract, AnUploadBelongsToItsName) {
  const std::string upload = parts.begin_upload("big", "");
  put_part(upload, 1, "x");
  for (const std::string& other : {std::string("unknown"), std::string("../big"), upload}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parts.list_parts("other", other)); }), ErrorCode::not_found)
        << other;
  }
  EXPECT_NO_THROW(parts.abort_upload("other", upload));
  EXPECT_EQ(parts.list_parts("big", upload).size(), 1U);
}

TEST_P(PartContract, EndsUploadsThatAreNotCompleted) {
  const std::string upload = parts.begin_upload("big", "");
  put_part(upload, 1, "x");
  parts.abort_upload("big", upload);
  EXPECT_NO_THROW(parts.abort_upload("big", upload));
  EXPECT_EQ(code_of([&] { static_cast<void>(parts.list_parts("big", upload)); }), ErrorCode::not_found);
  EXPECT_FALSE(store->stat("big"));

  const std::string old = parts.begin_upload("uploads/ann/one", "");
  const std::string other = parts.begin_upload("elsewhere", "");
  EXPECT_EQ(parts.abort_uploads("uploads/", system_now() - std::chrono::hours(1)), 0);
  EXPECT_EQ(parts.abort_uploads("uploads/", system_now() + std::chrono::hours(1)), 1);
  EXPECT_EQ(code_of([&] { static_cast<void>(parts.list_parts("uploads/ann/one", old)); }),
            ErrorCode::not_found);
  EXPECT_TRUE(parts.list_parts("elsewhere", other).empty());
}

TEST_P(StoreContract, ChecksItself) { EXPECT_NO_THROW(store->check()); }

const auto all_stores = ::testing::Values(
    testing::disk_kind(), testing::s3_kind(), testing::s3_kind({.virtual_hosted = true}),
    testing::s3_kind({.session = true}), testing::s3_kind({.virtual_hosted = true, .session = true}),
    testing::gcs_kind(testing::GcsAccess::key_file), testing::gcs_kind(testing::GcsAccess::hmac),
    testing::gcs_kind(testing::GcsAccess::machine));
const auto name_of = [](const auto& instance) { return instance.param.name; };
INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, all_stores, name_of);
INSTANTIATE_TEST_SUITE_P(Stores, PartContract, all_stores, name_of);

}  // namespace
}  // namespace tessera
