// SPDX-License-Identifier: Apache-2.0
// Objects in a real bucket.
#include <gtest/gtest.h>

#include "adapters/open.hpp"
#include "objects/objects.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::refusal;

class StoredObjectTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& content) {
    store_->put(name, *memory_source(content), "image/png");
  }

  testing::S3Server server_;
  std::shared_ptr<ObjectStore> store_ = open_object_store(server_.url(), {});
};

TEST_F(StoredObjectTest, IsReadInRanges) {
  put("a picture.png", "0123456789");
  const OpenedObject opened = open_stored_object(store_, "a picture.png", 4);
  EXPECT_EQ(opened.size, 10);
  EXPECT_EQ(opened.head.size(), 4U);
  StringSink out;
  opened.object->read(6, 3, out);
  EXPECT_EQ(out.text, "678");
}

TEST_F(StoredObjectTest, OfAnyLengthIsOpened) {
  for (const std::string content : {"", "0", "0123", "01234"}) {
    put("small", content);
    const OpenedObject opened = open_stored_object(store_, "small", 4);
    EXPECT_EQ(opened.size, std::ssize(content));
    EXPECT_EQ(opened.head.size(), std::min<std::size_t>(4, content.size()));
  }
  EXPECT_EQ(testing::code_of([&] { static_cast<void>(open_stored_object(store_, "none", 4)); }),
            ErrorCode::not_found);
}

TEST_F(StoredObjectTest, ThatChangedIsRefused) {
  const std::string sentence = "The object 'o' changed while it was read: try again.";
  for (const std::string after : {"abcdefghij", "abc", ""}) {
    put("o", "0123456789");
    const OpenedObject opened = open_stored_object(store_, "o", 4);
    put("o", after);
    StringSink out;
    EXPECT_EQ(refusal([&] { opened.object->read(4, 4, out); }, ErrorCode::conflict), sentence);
  }
  put("o", "0123456789");
  const OpenedObject opened = open_stored_object(store_, "o", 4);
  store_->remove("o");
  StringSink out;
  EXPECT_EQ(refusal([&] { opened.object->read(4, 4, out); }, ErrorCode::conflict), sentence);
}

}  // namespace
}  // namespace tessera
