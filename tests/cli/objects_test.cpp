// SPDX-License-Identifier: Apache-2.0
// The program with images in a bucket and on a web server.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "program.hpp"
#include "servers/gcs_server.hpp"
#include "servers/s3_server.hpp"
#include "servers/scripted_server.hpp"

namespace tessera::testing {
namespace {

class Objects : public ::testing::Test {
 protected:
  Objects() {
    write_file(folder_ / "in.ppm", pnm(900, 700, 3));
    run_well({"convert", folder_ / "in.ppm", "-o", folder_ / "in.tif", "--tile", "256"});
  }
  Outcome run(const std::vector<std::string>& arguments) {
    return run_program(arguments, {.environment = {"AWS_ENDPOINT_URL=" + server_.endpoint()}});
  }
  void run_well(const std::vector<std::string>& arguments) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& sentence) {
    const Outcome outcome = run(arguments);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find(sentence), std::string::npos) << outcome.err;
  }
  /// The program's bytes for an object.
  std::string content(const std::string& url) {
    const auto link = folder_ / "copy";
    EXPECT_EQ(
        run_other("python3", {"-c",
                              "import boto3, sys\n"
                              "s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1')\n"
                              "s3.download_file('pictures', sys.argv[2], sys.argv[3])",
                              server_.endpoint(), url.substr(std::string("s3://pictures/").size()), link})
            .exit_code,
        0);
    return read_file(link);
  }

  TemporaryFolder folder_;
  S3Server server_;
};

TEST_F(Objects, AreInputsAndOutputs) {
  run_well({"convert", folder_ / "in.tif", "-o", "s3://pictures/in/scan.tif", "--tile", "256"});
  EXPECT_TRUE(content("s3://pictures/in/scan.tif") == read_file(folder_ / "in.tif"));
  for (const std::string format : {"tif", "png"}) {
    const std::string pipeline = "gaussian-blur sigma=2 | sharpen";
    const std::string file = folder_ / ("out." + format);
    const std::string object = "s3://pictures/out/result." + format;
    run_well({"apply", pipeline, folder_ / "in.tif", "-o", file});
    run_well({"apply", pipeline, "s3://pictures/in/scan.tif", "-o", object});
    EXPECT_TRUE(content(object) == read_file(file)) << format;
    run_well({"apply", pipeline, "s3://pictures/in/scan.tif", "-o", object, "--force", "--ranks", "3"});
    EXPECT_TRUE(content(object) == read_file(file)) << format << " on three ranks";
  }
}

TEST_F(Objects, GoFromAmazonsProtocolToGoogles) {
  const GcsServer google;
  const std::string settings = "?endpoint=" + google.endpoint() + "&iam-endpoint=" + google.endpoint();
  // Noise, so that it is uploaded in parts: some 45 MB.
  write_file(folder_ / "large.ppm", pnm(5000, 3000, 3));
  run_well({"convert", folder_ / "large.ppm", "-o", "s3://pictures/large.tif"});
  run_well({"apply", "invert", "s3://pictures/large.tif", "-o", "gs://pictures/large.png" + settings});
  run_well({"apply", "invert", folder_ / "large.ppm", "-o", folder_ / "large.png"});
  run_well({"compare", "gs://pictures/large.png" + settings, folder_ / "large.png"});
  EXPECT_GE(google.count("put_part", 200), 4);
  EXPECT_EQ(google.count("complete_parts", 200), 1);
}

TEST_F(Objects, OfEveryKindAreRead) {
  for (const std::string extension : {"png", "jpg", "webp", "tif"}) {
    const std::string file = folder_ / ("kind." + extension);
    run_well({"convert", folder_ / "in.ppm", "-o", file});
    run_well({"convert", file, "-o", "s3://pictures/kind." + extension});
    run_well({"apply", "invert", file, "-o", folder_ / "from-file.png", "--force"});
    run_well(
        {"apply", "invert", "s3://pictures/kind." + extension, "-o", folder_ / "from-object.png", "--force"});
    if (extension == "png" || extension == "tif") {
      EXPECT_TRUE(read_file(folder_ / "from-object.png") == read_file(folder_ / "from-file.png"))
          << extension;
    }
  }
}

TEST_F(Objects, AreReadByEveryRank) {
  run_well({"convert", folder_ / "in.tif", "-o", "s3://pictures/scan.tif"});
  const Outcome outcome =
      run({"apply", "invert", "s3://pictures/scan.tif", "-o", folder_ / "out.png", "--ranks", "2", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto report = nlohmann::json::parse(outcome.out);
  // Pixels of half of the image would be 945,000 bytes.
  for (const auto& rank : report["images"][0]["ranks"]) {
    EXPECT_LT(rank["sent_bytes"].get<std::int64_t>(), 10'000) << report;
  }
}

TEST_F(Objects, AreNotReplacedUnasked) {
  run_well({"convert", folder_ / "in.tif", "-o", "s3://pictures/out/"});
  expect_refused({"convert", folder_ / "in.tif", "-o", "s3://pictures/out/in.tif"},
                 "'s3://pictures/out/in.tif' exists: use --force to replace it.");
  expect_refused({"apply", "invert", "s3://pictures/out/in.tif", "-o", "s3://pictures/out/in.tif", "--force"},
                 "'s3://pictures/out/in.tif' is an input: write the result to another object.");
  const Outcome skipped = run({"convert", folder_ / "in.tif", "-o", "s3://pictures/out/", "--skip-existing"});
  EXPECT_EQ(skipped.exit_code, 0) << skipped.err;
  expect_refused({"apply", "invert", "s3://pictures/out/in.tif", "--in-place"},
                 "Objects are not replaced in place");
}

TEST_F(Objects, OfManyInputsGoBelowAFolder) {
  run_well({"convert", folder_ / "in.tif", folder_ / "in.ppm", "-o", "s3://pictures/{stem}/{ext}.png"});
  EXPECT_FALSE(content("s3://pictures/in/tif.png").empty());
}

TEST_F(Objects, ThatAreMissingOrForbiddenSaySo) {
  expect_refused({"info", "s3://pictures/nothing.tif"}, "'nothing.tif'");
  expect_refused({"info", "s3://pictures"}, "'s3://pictures' names no object: write s3://BUCKET/NAME.");
  expect_refused({"apply", "invert", folder_ / "in.tif", "-o", "http://127.0.0.1:1/out.png"},
                 "results go to files, s3:// and gs://");
  const Outcome outcome =
      run_program({"info", "s3://pictures/a.tif"},
                  {.environment = {"AWS_ENDPOINT_URL=" + server_.endpoint(), "AWS_SECRET_ACCESS_KEY=wrong"}});
  EXPECT_NE(outcome.err.find("status 403"), std::string::npos) << outcome.err;
}

TEST_F(Objects, FailedWorkLeavesNone) {
  expect_refused({"apply", "invert", "s3://pictures/none.tif", "-o", "s3://pictures/out.png"}, "none.tif");
  expect_refused({"info", "s3://pictures/out.png"}, "out.png");
}

TEST_F(Objects, OnAWebServerKeepTheirSignaturesSecret) {
  const std::string picture = read_file(folder_ / "in.ppm");
  ScriptedServer web({answer("200 OK", picture)});
  const std::string url = web.url() + "?X-Amz-Signature=secret";
  const Outcome outcome = run({"apply", "invert", url, "-o", folder_ / "out.png", "--json", "-v"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ((outcome.out + outcome.err).find("secret"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find(web.url()), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace tessera::testing
