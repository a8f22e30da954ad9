// SPDX-License-Identifier: Apache-2.0
// Jobs, times and names as the service writes them down.
#include "ports/job.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "ports/object_store.hpp"

namespace tessera {
namespace {

TimePoint at(std::int64_t milliseconds) { return TimePoint(std::chrono::milliseconds(milliseconds)); }

TEST(Time, IsWrittenAndReadBack) {
  EXPECT_EQ(to_iso8601(at(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(at(1'709'164'799'007)), "2024-02-28T23:59:59.007Z");
  EXPECT_EQ(to_iso8601(at(1'709'164'800'000)), "2024-02-29T00:00:00.000Z");
  for (const std::int64_t time : {0LL, 1LL, 1'709'164'799'007LL, 4'102'444'800'000LL}) {
    EXPECT_EQ(time_from_iso8601(to_iso8601(at(time))), at(time));
  }
  for (const char* text : {"", "2024-02-28", "2024-02-28 23:59:59.007Z", "2024-02-28T23:59:5x.007Z"}) {
    EXPECT_THROW(static_cast<void>(time_from_iso8601(text)), Error) << text;
  }
}

TEST(Id, SortsByTimeAndDoesNotRepeat) {
  EXPECT_LT(new_id("job", at(1'000)), new_id("job", at(1'001)));
  EXPECT_LT(new_id("job", at(31)), new_id("job", at(32)));
  EXPECT_NE(new_id("job", at(1'000)), new_id("job", at(1'000)));
  EXPECT_EQ(new_id("job", at(1'000)).size(), 30U);
}

TEST(Job, JsonRoundTrips) {
  Job job{.id = "job_1",
          .batch_id = "batch_1",
          .owner = "ann",
          .request_id = "r",
          .request = {.object = "uploads/a",
                      .object_tag = "\"tag\"",
                      .name = "a \"photo\" ü.jpg",
                      .pipeline = {{"operators", {{{"name", "invert"}}}}},
                      .output = {{"format", "png"}},
                      .priority = Priority::bulk},
          .generation = 2,
          .state = JobState::storing,
          .attempt = 3,
          .fraction = 0.25,
          .stage = "invert",
          .node = "n1",
          .layout = {{"mode", "split"}},
          .failure = JobFailure{"io", "It broke."},
          .result =
              JobResult{"results/job_1/a.png", "a.png", "image/png", 5'000'000'000, 7, 8, Json::array(), {}},
          .created = at(5),
          .updated = at(6)};
  EXPECT_EQ(to_json(job_from_json(to_json(job))), to_json(job));
  job.failure.reset();
  job.result.reset();
  EXPECT_EQ(to_json(job_from_json(to_json(job))), to_json(job));
}

TEST(ObjectName, RefusesWhatCouldLeaveItsFolder) {
  for (const char* name : {"a", "a/b.png", "uploads/ü/1.jpg", "..a/b..", "a b"}) {
    EXPECT_NO_THROW(check_object_name(name)) << name;
  }
  for (const char* name : {"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/./b", "a\nb", "a\\b"}) {
    EXPECT_THROW(check_object_name(name), Error) << name;
  }
  EXPECT_THROW(check_object_name(std::string("a\0b", 3)), Error);
  EXPECT_THROW(check_object_name(std::string(1025, 'a')), Error);
}

}  // namespace
}  // namespace tessera
