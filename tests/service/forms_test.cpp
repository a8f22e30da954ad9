// SPDX-License-Identifier: Apache-2.0
// Images inside of the submission, and all results in one file: what `curl` alone can do.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "service/service_process.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

const std::string tiny_ppm = "P6 2 2 255\nabcdefghijkl";

Json curl_json(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"curl", "-sS"});
  const CommandOutcome outcome = run_command(std::move(arguments));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false);
}

std::size_t uploads(const ServeProcess& serve) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(serve.folder() / "data/objects")) {
    count += entry.is_regular_file() && entry.path().string().find("objects/uploads/") != std::string::npos
                 ? 1
                 : 0;
  }
  return count;
}

TEST(Forms, ArePhotographsInAndAZipOut) {
  const ServeProcess serve;
  const fs::path photo = photographs(2).back();
  std::ofstream(serve.folder() / "broken.png") << "not an image";
  const Json batch =
      curl_json({"-F", "pipeline=grayscale | gaussian-blur sigma=2", "-F", "output={\"format\": \"png\"}",
                 "-F", "file=@" + photo.string(), "-F",
                 fmt::format("again=@{};filename=\"{}\"", photo.string(), photo.filename().string()), "-F",
                 "file=@" + (serve.folder() / "broken.png").string(), serve.url() + "/v1/jobs"});
  ASSERT_TRUE(batch.contains("id")) << batch;
  ASSERT_EQ(batch.at("jobs").size(), 3U);
  EXPECT_EQ(batch.at("jobs")[0].at("request").at("name"), photo.filename().string());
  follow_to_end(serve.port(), batch.at("id"));

  const std::string zip = serve.folder() / "results.zip";
  const CommandOutcome fetched = run_command(
      {"curl", "-sS", "-f", "-o", zip, serve.url() + batch.at("links").at("results").get<std::string>()});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;
  const CommandOutcome listed = run_command({"unzip", "-Z1", zip});
  const std::string stem = photo.stem().string() + "-grayscale-gaussian-blur";
  EXPECT_EQ(listed.out, fmt::format("{0}.png\n{0} (2).png\nfailures.txt\n", stem)) << listed.err;
  const CommandOutcome unzipped = run_command({"unzip", "-q", zip, "-d", serve.folder() / "out"});
  ASSERT_EQ(unzipped.exit_code, 0) << unzipped.out << unzipped.err;
  const fs::path expected = serve.folder() / "expected.png";
  ASSERT_EQ(tessera({"apply", "grayscale | gaussian-blur sigma=2", photo, "-o", expected}).exit_code, 0);
  EXPECT_EQ(read_file(serve.folder() / "out" / (stem + ".png")), read_file(expected));
  EXPECT_EQ(read_file(serve.folder() / "out" / (stem + " (2).png")), read_file(expected));
  const std::string failures = read_file(serve.folder() / "out/failures.txt");
  EXPECT_TRUE(failures.starts_with("broken.png: ")) << failures;
}

TEST(Forms, AreRefusedInASentenceAndLeaveNothingBehind) {
  const ServeProcess serve;
  const auto form = [](const std::string& parts) { return parts + "--b--\r\n"; };
  const auto field = [](const std::string& name, const std::string& text) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n";
  };
  const std::string file =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tiny.ppm\"\r\n\r\n" + tiny_ppm +
      "\r\n";
  const std::string pipeline = field("pipeline", "invert");
  // What copies JSON recurses.
  constexpr int deep = 300'000;
  const std::string brackets = std::string(deep, '[') + std::string(deep, ']');
  struct Case {
    std::string body;
    int status;
    std::string says;
  };
  for (const Case& one : std::vector<Case>{
           {form(pipeline), 400, "no file"},
           {form(file), 400, "pipeline"},
           {form(file + field("pipeline", "nonsense")), 422, "nonsense"},
           {form(file + pipeline + field("colour", "red")), 400, "colour"},
           {form(file + field("request", R"({"pipeline": "invert", "items": []})")), 400, "items"},
           {form(file + field("request", "[]")), 400, "request"},
           {form(file + pipeline + field("webhook", R"({"url": "http://h"})")), 400, "secret"},
           {form(field("pipeline", "\xff") + file), 400, "UTF-8"},
           {form(fmt::format(
                "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n{}\r\n{}",
                "caf\xe9.ppm", tiny_ppm, pipeline)),
            400, "UTF-8"},
           {form(file + field("pipeline", brackets)), 400, "nested"},
           {form(file + field("request", fmt::format("{{\"pipeline\":{}}}", brackets))), 400, "nested"},
           {file + pipeline, 400, "ends before"},
           {pipeline + file.substr(0, file.size() - 10), 400, "ends before"},
       }) {
    const Answer answer = ask(serve.port(), "POST", "/v1/jobs",
                              {{"Content-Type", "multipart/form-data; boundary=b"}}, one.body);
    EXPECT_EQ(answer.status, one.status) << answer.body;
    EXPECT_NE(answer.body.find(one.says), std::string::npos) << answer.body;
  }
  EXPECT_EQ(uploads(serve), 0U);
  const Answer nested = ask(serve.port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}},
                            R"({"object": "x", "pipeline": )" + brackets + "}");
  EXPECT_EQ(nested.status, 400) << nested.body;
  EXPECT_NE(nested.body.find("nested"), std::string::npos) << nested.body;

  // The same form under one key, whatever its boundary: the same jobs, and nothing stored twice.
  const auto send = [&](const std::string& boundary, const std::string& text) {
    std::string body = form(file + field("pipeline", text));
    for (std::size_t at = 0; (at = body.find("--b", at)) != std::string::npos; at += boundary.size() + 2) {
      body.replace(at, 3, "--" + boundary);
    }
    return ask(serve.port(), "POST", "/v1/jobs",
               {{"Content-Type", "multipart/form-data; boundary=" + boundary}, {"Idempotency-Key", "k"}},
               body);
  };
  const Answer first = send("one", "invert");
  ASSERT_EQ(first.status, 202) << first.body;
  const Answer second = send("another", "invert");
  ASSERT_EQ(second.status, 202) << second.body;
  EXPECT_EQ(json_of(first).at("id"), json_of(second).at("id"));
  EXPECT_EQ(send("one", "otsu").status, 422);
  EXPECT_EQ(uploads(serve), 1U);
}

TEST(Forms, AZipWaitsForItsJobs) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), read_file(photographs(2).back()));
  const Json batch = json_of(
      send_json(serve.port(), "POST", "/v1/jobs",
                {{"object", object}, {"name", "a.png"}, {"pipeline", endless_pipeline_on_any_image}}));
  const std::string path = "/v1/batches/" + batch.at("id").get<std::string>();
  const Answer early = ask(serve.port(), "GET", path + "/results.zip");
  EXPECT_EQ(early.status, 409);
  EXPECT_NE(early.body.find("1 of the 1 jobs"), std::string::npos) << early.body;
  EXPECT_EQ(send_json(serve.port(), "DELETE", path).status, 200);
  const Answer none = ask(serve.port(), "GET", path + "/results.zip");
  EXPECT_EQ(none.status, 409);
  EXPECT_NE(none.body.find("None of the jobs"), std::string::npos) << none.body;
}

}  // namespace
}  // namespace tessera::testing
