// SPDX-License-Identifier: Apache-2.0
// Large images in a bucket, which ranks read by links: what they may read, and what they do when it changes.
#include "ranks/transfer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "adapters/s3/object_store.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "node/image_fetch.hpp"
#include "node/rank_group.hpp"
#include "ports/part_uploads.hpp"
#include "ports/parted_upload.hpp"
#include "servers/other_host.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::read_file;
using testing::refusal;
using End = RankOutcome::End;
using namespace std::chrono_literals;

constexpr std::int64_t first_bytes = std::int64_t{16} << 20;

/// A picture of three times the bytes that are fetched at first.
std::string picture(unsigned seed) {
  constexpr int width = 4500;
  constexpr int height = 3700;
  std::string text = fmt::format("P6\n{} {}\n255\n", width, height);
  const std::size_t begin = text.size();
  text.resize(begin + std::size_t{3} * width * height);
  for (std::size_t i = begin; i < text.size(); ++i) {
    text[i] = static_cast<char>((i * 7919 + seed) >> 9);
  }
  return text;
}

class Transfers : public ::testing::TestWithParam<int> {
 protected:
  void put(const std::string& bytes) {
    store->put("scan.ppm", *memory_source(bytes), "image/x-portable-pixmap");
  }

  [[nodiscard]] FetchedImage fetch() {
    JobRequest request;
    request.object = "scan.ppm";
    request.name = "scan.ppm";
    return ImageFetch(*store, request, folder.path() / "scan.in", {}, 1h, [](auto) {}).wait();
  }

  [[nodiscard]] RankGroupOptions options(int ranks) const {
    RankGroupOptions result;
    result.program = TESSERA_PROGRAM;
    result.ranks = ranks;
    result.threads = 2;
    result.scratch = folder.path();
    result.first_pause = 10ms;
    result.log = [](const std::string&) {};
    return result;
  }

  [[nodiscard]] RankTask task(const FetchedImage& image) const {
    RankTask result;
    result.input = image.file;
    result.transfer = image.transfer;
    result.output = folder.path() / "out.png";
    result.name = "scan.ppm";
    result.pipeline =
        Json::parse(R"([{"name": "gaussian-blur", "parameters": {"sigma": 2}}, {"name": "otsu"}])");
    return result;
  }

  static RankOutcome run(RankGroup& group, const RankTask& task) {
    return group.run(
        task, Placement::all_ranks, {}, [](const auto&) {}, [](double, const std::string&) {});
  }

  testing::S3Server server;
  testing::ServerFolder folder;
  std::shared_ptr<ObjectStore> store = open_s3_object_store(parse_s3_url(server.url()));
};

TEST_P(Transfers, GiveTheSameResultAsAFile) {
  const std::string bytes = picture(1);
  put(bytes);
  const FetchedImage image = fetch();
  ASSERT_TRUE(image.transfer);
  EXPECT_EQ(std::filesystem::file_size(image.file), static_cast<std::uintmax_t>(first_bytes));
  RankGroup group(options(GetParam()));
  const RankOutcome outcome = run(group, task(image));
  ASSERT_EQ(outcome.end, End::done) << outcome.sentence;
  EXPECT_EQ(outcome.result.ranks, GetParam());
  const std::string result = read_file(folder.path() / "out.png");

  const FetchedImage local{folder.path() / "scan.ppm"};
  std::ofstream(local.file, std::ios::binary) << bytes;
  ASSERT_EQ(run(group, task(local)).end, End::done);
  EXPECT_TRUE(read_file(folder.path() / "out.png") == result);
}

TEST_P(Transfers, EndForAnImageThatChangesOrGoes) {
  put(picture(1));
  RankGroup group(options(GetParam()));
  const FetchedImage image = fetch();
  put(picture(2));
  EXPECT_EQ(run(group, task(image)).code, "conflict");
  store->remove("scan.ppm");
  // A version that is gone is reported as one that was replaced.
  EXPECT_EQ(run(group, task(image)).code, "conflict");
  // The group is as good as before.
  put(picture(3));
  EXPECT_EQ(run(group, task(fetch())).end, End::done);
  EXPECT_EQ(group.restarts(), 0);
}

// Ranks of other hosts get the link alone.
TEST_P(Transfers, NeedNoFileOnTheHost) {
  put(picture(1));
  RankGroupOptions with_hosts = options(GetParam());
  with_hosts.hostfile = folder.path() / "hosts";
  with_hosts.address = "127.0.0.1";
  std::ofstream(with_hosts.hostfile) << "localhost slots=2\n";
  FetchedImage image = fetch();
  std::filesystem::remove(image.file);
  RankGroup group(with_hosts);
  const RankOutcome outcome = run(group, task(image));
  EXPECT_EQ(outcome.end, End::done) << outcome.sentence;
}

INSTANTIATE_TEST_SUITE_P(OneAndTwo, Transfers, ::testing::Values(1, 2));

/// A rank on this host and one on another, where the node's files are not.
class ResultParts : public Transfers {
 protected:
  void SetUp() override {
    if (!elsewhere.available()) {
      GTEST_SKIP() << testing::no_namespaces;
    }
  }
  [[nodiscard]] RankGroupOptions two_hosts() const {
    RankGroupOptions result = options(2);
    result.hostfile = elsewhere.hostfile();
    result.address = "127.0.0.1";
    return result;
  }
  /// Its result has several parts.
  [[nodiscard]] RankTask large_task(const FetchedImage& image, PartedUpload& upload) const {
    RankTask result = task(image);
    result.pipeline = Json::parse(R"([{"name": "gaussian-blur", "parameters": {"sigma": 1}}])");
    result.output = folder.path() / "out.tif";
    result.output_options = {{"compression", "none"}};
    result.part_links = [&](std::int64_t first, std::int64_t count) { return upload.links(first, count); };
    return result;
  }

  testing::OtherHost elsewhere{folder.path(), folder.path() / "ranks"};
};

TEST_F(ResultParts, AreUploadedByTheRankThatMadeThem) {
  put(picture(1));
  const FetchedImage image = fetch();
  const std::filesystem::path out = folder.path() / "out.tif";
  PartedUpload none(*store, "result", "image/tiff");
  RankTask plain = large_task(image, none);
  plain.part_links = {};
  {
    RankGroup one(options(1));
    ASSERT_EQ(run(one, plain).end, End::done);
  }
  const std::string expected = read_file(out);

  RankGroup group(two_hosts());
  for (int round = 0; round < 2; ++round) {
    PartedUpload upload(*store, "result", "image/tiff");
    const RankOutcome outcome = run(group, large_task(image, upload));
    ASSERT_EQ(outcome.end, End::done) << outcome.sentence;
    EXPECT_FALSE(outcome.result.uploaded_parts.empty());
    const std::string file = read_file(out);
    EXPECT_EQ(file.size(), expected.size());
    EXPECT_FALSE(file == expected);  // has holes
    EXPECT_TRUE(upload.adopt(outcome.result.uploaded_parts));
    upload.finish(out, std::ssize(file));
    StringSink stored;
    store->get("result", stored);
    EXPECT_TRUE(stored.text == expected);
    store->remove("result");
  }
  EXPECT_EQ(group.restarts(), 0);
}

TEST_F(ResultParts, ThatCannotBeUploadedAreTheStoresFault) {
  put(picture(1));
  const FetchedImage image = fetch();
  PartedUpload upload(*store, "result", "image/tiff");
  RankGroup group(two_hosts());
  RankTask failing = large_task(image, upload);
  failing.part_links = [](std::int64_t, std::int64_t) -> std::vector<std::string> {
    throw Error(ErrorCode::unavailable, "The store signs nothing.");
  };
  RankOutcome outcome = run(group, failing);
  EXPECT_EQ(outcome.code, "unavailable");
  EXPECT_EQ(outcome.sentence, "The store signs nothing.");
  failing.part_links = [&](std::int64_t first, std::int64_t count) {
    std::vector<std::string> links = upload.links(first, count);
    for (std::string& link : links) {
      link += "0";  // which makes the signature wrong
    }
    return links;
  };
  outcome = run(group, failing);
  EXPECT_EQ(outcome.code, "unavailable") << outcome.sentence;
  // The group is as good as before.
  outcome = run(group, large_task(image, upload));
  EXPECT_EQ(outcome.end, End::done) << outcome.sentence;
  EXPECT_EQ(group.restarts(), 0);
}

class Grants : public Transfers {
 protected:
  [[nodiscard]] std::string grant(std::int64_t ticket, const std::string& key = "key") {
    TransferGrant grant = fetch().transfer.value();
    grant.ticket = ticket;
    std::string line = to_line(grant);
    line.pop_back();
    return to_text({to_hex(hmac_sha256(key, line)), line});
  }
  static std::string read(TransferLanes& lanes, const std::string& grant) {
    std::string read;
    lanes.read(grant, first_bytes, 1000,
               [&](std::span<const std::byte> bytes) {
                 read.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
               },
               {});
    return read;
  }
};

TEST_F(Grants, AreTheNodesAndOfTheCurrentTask) {
  const std::string bytes = picture(1);
  put(bytes);
  ::setenv(transfer_key_variable, "key", 1);
  TransferLanes lanes(TESSERA_PROGRAM, 2);
  ::unsetenv(transfer_key_variable);
  const std::string expected = bytes.substr(first_bytes, 1000);
  EXPECT_EQ(read(lanes, grant(5)), expected);
  EXPECT_EQ(read(lanes, grant(5)), expected);
  EXPECT_EQ(refusal([&] { read(lanes, grant(4)); }, ErrorCode::forbidden),
            "The grant of this object is of an earlier task.");
  const std::string ungranted = "The node has not granted this object.";
  EXPECT_EQ(refusal([&] { read(lanes, grant(6, "another")); }, ErrorCode::forbidden), ungranted);
  std::string other = grant(6);
  other.replace(other.find("scan.ppm"), 8, "scan.png");
  EXPECT_EQ(refusal([&] { read(lanes, other); }, ErrorCode::forbidden), ungranted);
  for (const std::string& malformed : {std::string(), std::string("x"), std::string(100, 'x')}) {
    EXPECT_EQ(code_of([&] { read(lanes, malformed); }), ErrorCode::forbidden);
  }
  EXPECT_EQ(read(lanes, grant(6)), expected);
}

}  // namespace
}  // namespace tessera
