// SPDX-License-Identifier: Apache-2.0
// Results on their way to a real bucket.
#include "ports/parted_upload.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "adapters/open.hpp"
#include "base/error.hpp"
#include "base/part_layout.hpp"
#include "net/part_link.hpp"
#include "ports/part_uploads.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

class PartedUploadTest : public ::testing::Test {
 protected:
  std::string noise(std::int64_t size) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    std::mt19937 random(5);
    for (char& byte : bytes) {
      byte = static_cast<char>(random());
    }
    return bytes;
  }
  [[nodiscard]] std::filesystem::path file_of(const std::string& bytes) const {
    std::ofstream(folder_.path() / "file", std::ios::binary) << bytes;
    return folder_.path() / "file";
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    StringSink out;
    store_->get(name, out);
    return out.text;
  }
  /// Uploads that were begun and not ended.
  [[nodiscard]] int unfinished() const {
    return store_->part_uploads().abort_uploads("", system_now() + std::chrono::hours(1));
  }

  testing::S3Server server_;
  testing::ServerFolder folder_;
  std::shared_ptr<ObjectStore> store_ = open_object_store(server_.url(), {});
};

TEST_F(PartedUploadTest, OfAnySizeGivesTheBytesOfTheFile) {
  for (const std::int64_t size :
       {std::int64_t{0}, std::int64_t{1000}, begin_of_part(4), begin_of_part(4) + 1}) {
    const std::string bytes = noise(size);
    PartedUpload upload(*store_, "result", "image/png");
    upload.finish(file_of(bytes), size);
    EXPECT_TRUE(content("result") == bytes) << size;
    EXPECT_EQ(store_->stat("result")->content_type, "image/png");
  }
}

TEST_F(PartedUploadTest, TakesPartsThatOthersHaveUploaded) {
  const std::string bytes = noise(begin_of_part(4) + 77);
  std::string local = bytes;
  HttpClient http;
  PartedUpload upload(*store_, "result", "image/tiff");
  const auto links = upload.links(0, 5);
  for (const std::int64_t part : {3, 1}) {
    const auto begin = static_cast<std::size_t>(begin_of_part(part));
    const auto size = static_cast<std::size_t>(begin_of_part(part + 1)) - begin;
    upload.add_uploaded(part, put_part_by_link(http, links[static_cast<std::size_t>(part)],
                                               std::as_bytes(std::span(bytes).subspan(begin, size))));
    local.replace(begin, size, size, '\0');  // the root does not have it
  }
  upload.finish(file_of(local), std::ssize(local));
  EXPECT_TRUE(content("result") == bytes);
  EXPECT_EQ(unfinished(), 0);
}

TEST_F(PartedUploadTest, AdoptsOnlyPartsThatTheStoreHas) {
  const std::string bytes = noise(begin_of_part(3));
  HttpClient http;
  PartedUpload upload(*store_, "result", "image/tiff");
  EXPECT_TRUE(upload.adopt({}));
  EXPECT_FALSE(upload.adopt({1}));
  const auto links = upload.links(1, 2);
  EXPECT_FALSE(upload.adopt({1}));
  const auto begin = static_cast<std::size_t>(begin_of_part(1));
  const auto part = std::span(bytes).subspan(begin, static_cast<std::size_t>(size_of_part(1)));
  put_part_by_link(http, links[0], std::as_bytes(part));
  EXPECT_FALSE(upload.adopt({1, 2}));
  EXPECT_TRUE(upload.adopt({1}));
  std::string local = bytes;
  local.replace(begin, part.size(), part.size(), '\0');
  upload.finish(file_of(local), std::ssize(local));
  EXPECT_TRUE(content("result") == bytes);
}

TEST_F(PartedUploadTest, LinksAreForWholePartsAlone) {
  HttpClient http;
  PartedUpload upload(*store_, "result", "image/tiff");
  const auto links = upload.links(1, 1);
  const std::string half = noise(1000);
  EXPECT_EQ(testing::code_of([&] { put_part_by_link(http, links[0], std::as_bytes(std::span(half))); }),
            ErrorCode::forbidden);
}

TEST_F(PartedUploadTest, ThatIsNotFinishedLeavesNothing) {
  {
    PartedUpload upload(*store_, "result", "image/tiff");
    EXPECT_EQ(upload.links(1, 2).size(), 2U);
  }
  EXPECT_EQ(unfinished(), 0);
  EXPECT_FALSE(store_->stat("result"));
}

}  // namespace
}  // namespace tessera
