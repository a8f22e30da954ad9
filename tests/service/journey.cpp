// SPDX-License-Identifier: Apache-2.0
#include "service/journey.hpp"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> strings(const std::vector<fs::path>& paths) { return {paths.begin(), paths.end()}; }

/// What `tessera apply` makes of each photograph, by the name that results of the service have.
std::map<std::string, std::string> applied(const std::string& pipeline, const std::string& suffix,
                                           const std::vector<fs::path>& photos, const fs::path& folder) {
  std::map<std::string, std::string> results;
  for (const fs::path& photo : photos) {
    const std::string name = photo.stem().string() + suffix + ".png";
    const CommandOutcome outcome = tessera({"apply", "--quiet", pipeline, photo, "-o", folder / name});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    results[name] = read_file(folder / name);
  }
  return results;
}

}  // namespace

void expect_three_clients_get_what_apply_makes(const std::string& url, int port, const fs::path& folder) {
  const auto photos = photographs(5);
  struct Work {
    std::string pipeline;
    std::string suffix;
    CommandOutcome outcome = {};
  };
  std::vector<Work> works{{"gaussian-blur sigma=2 | otsu", "-gaussian-blur-otsu"},
                          {"sobel", "-sobel"},
                          {"resize width=200 height=100 | equalize", "-resize-equalize"}};
  {
    std::vector<std::jthread> clients;
    for (Work& work : works) {
      clients.emplace_back([&] {
        std::vector<std::string> command{"submit",     "--server", url, "-o", folder / ("out" + work.suffix),
                                         work.pipeline};
        for (const std::string& photo : strings(photos)) {
          command.push_back(photo);
        }
        work.outcome = tessera(command);
      });
    }
  }
  for (const Work& work : works) {
    EXPECT_EQ(work.outcome.exit_code, 0) << work.outcome.err;
    fs::create_directories(folder / "expected");
    for (const auto& [name, bytes] : applied(work.pipeline, work.suffix, photos, folder / "expected")) {
      EXPECT_TRUE(read_file(folder / ("out" + work.suffix) / name) == bytes) << name;
    }
  }

  // The links work for those who know nothing of Tessera, and save under the right name.
  const Json jobs = json_of(ask(port, "GET", "/v1/jobs?limit=3"));
  for (const Json& job : jobs.at("jobs")) {
    const fs::path place = folder / ("curl-" + job.at("id").get<std::string>());
    fs::create_directories(place);
    const CommandOutcome fetched =
        run_command({"curl", "-sSfL", "--remote-name", "--remote-header-name", "--output-dir", place,
                     url + job.at("links").at("result").get<std::string>()});
    EXPECT_EQ(fetched.exit_code, 0) << fetched.err;
    const std::string name = job.at("result").at("file_name");
    EXPECT_TRUE(read_file(place / name) == read_file(folder / "expected" / name)) << name;
  }
}

}  // namespace tessera::testing
