// SPDX-License-Identifier: Apache-2.0
// Whatever stands in a store or a queue, a reader gives a value or says that it cannot read it: it throws
// nothing else, and guesses nothing.
#include <gtest/gtest.h>

#include <functional>

#include "adapters/rabbitmq/properties.hpp"
#include "ports/job_store.hpp"
#include "ports/stored_json.hpp"

namespace tessera {
namespace {

Job whole_job() {
  Job job;
  job.id = "job_1";
  job.batch_id = "batch_1";
  job.owner = "ann";
  job.request_id = "r";
  job.request.object = "uploads/ann/a";
  job.request.name = "a.jpg";
  job.request.pipeline = {{"operators", {{{"name", "invert"}}}}};
  job.request.output = {{"format", "png"}};
  job.request.priority = Priority::bulk;
  job.state = JobState::done;
  job.attempt = 1;
  job.fraction = 1;
  job.layout = {{"mode", "farm"}};
  job.failure = JobFailure{"io", "It broke."};
  job.result =
      JobResult{"results/ann/job_1.png", "a.png", "image/png", 9, 3, 4, Json::array(), {"A warning."}};
  job.created = from_ms(1'700'000'000'000);
  job.updated = from_ms(1'700'000'001'000);
  return job;
}

/// Calls `use` with the record once for each field at any depth: without the field, and with a value of each
/// other type there.
void vary(const Json& record, const std::function<void(const Json& varied, const std::string& how)>& use) {
  const Json values{nullptr,         true, 17, -1, 1e300, "", "text", Json::array(), {1, "a"}, Json::object(),
                    {{"a", nullptr}}};
  const Json flat = record.flatten();
  std::vector<Json::json_pointer> reservations;
  for (const auto& [path, value] : flat.items()) {
    for (Json::json_pointer place(path); !place.empty(); place.pop_back()) {
      reservations.push_back(place);
    }
  }
  for (const Json::json_pointer& place : reservations) {
    Json without = record;
    Json& parent = without.at(place.parent_pointer());
    if (parent.is_object()) {
      parent.erase(place.back());
      use(without, "without " + place.to_string());
    }
    for (const Json& value : values) {
      Json changed = record;
      changed.at(place) = value;
      use(changed, place.to_string() + " = " + value.dump());
    }
  }
  for (const Json& value : values) {
    use(value, "the record is " + value.dump());
  }
}

TEST(StoredRecords, OfJobsAreReadOrRefusedInASentence) {
  int read = 0;
  int refused = 0;
  vary(to_json(whole_job()), [&](const Json& record, const std::string& how) {
    try {
      const Job job = job_from_text(record.dump());
      EXPECT_FALSE(job.id.empty() && how.find("/id") == std::string::npos) << how;
      static_cast<void>(to_json(job).dump());
      ++read;
    } catch (const Unreadable& error) {
      EXPECT_FALSE(std::string(error.what()).empty());
      ++refused;
    }
    // Events carry the same.
    try {
      static_cast<void>(event_data_from_text(record.dump()));
    } catch (const Unreadable&) {
      ++refused;
    }
    static_cast<void>(input_of_record(record.dump()));
  });
  EXPECT_GT(read, 50);
  EXPECT_GT(refused, 100);
}

TEST(StoredRecords, NeedOnlyWhatAJobCannotBeWithout) {
  const Job job = job_from_text(
      R"({"id":"job_1","batch":"b","owner":"ann","request":{"object":"o","pipeline":{"operators":[]}},"state":"queued"})");
  EXPECT_EQ(job.generation, 1);
  EXPECT_EQ(job.request.priority, Priority::interactive);
  EXPECT_TRUE(job.layout.is_null());
  for (const char* needed : {"id", "batch", "owner", "request", "state"}) {
    Json record = to_json(whole_job());
    record.erase(needed);
    EXPECT_THROW(static_cast<void>(job_from_json(record)), Unreadable) << needed;
  }
}

TEST(StoredRecords, OfALaterVersionAreReadAsFarAsTheyAreKnown) {
  Json record = to_json(whole_job());
  EXPECT_EQ(record.at("v"), 1);
  record["v"] = 2;
  record["colour"] = "blue";
  record["request"]["tint"] = {1, 2};
  EXPECT_EQ(to_json(job_from_json(record)), to_json(whole_job()));
  record["state"] = "resting";
  EXPECT_THROW(static_cast<void>(job_from_json(record)), Unreadable) << "what it means cannot be guessed";
}

TEST(StoredRecords, AreWrittenWhateverBytesTheyHold) {
  Job job = whole_job();
  job.request.name = "a\xff.jpg";
  EXPECT_EQ(job_from_text(stored_text(to_json(job))).id, job.id);
}

TEST(QueueMessages, AreReadOrRefused) {
  const QueueMessage message{"job_1", 3, Priority::bulk, "r"};
  const Json sent = Json::parse(encode_message(message));
  EXPECT_EQ(sent.at("v"), 1);
  EXPECT_EQ(decode_message(sent.dump()), message);
  vary(sent, [](const Json& varied, const std::string& how) {
    const auto read = decode_message(varied.dump());
    EXPECT_TRUE(!read || varied.at("job_id").is_string()) << how;
  });
  EXPECT_FALSE(decode_message("not JSON"));
  // As the version before this one wrote them.
  EXPECT_EQ(decode_message(R"({"job_id":"job_1","generation":3,"priority":"bulk","request_id":"r"})"),
            message);
  // As a later one may.
  EXPECT_EQ(
      decode_message(R"({"v":2,"job_id":"job_1","generation":3,"priority":"bulk","request_id":"r","x":[]})"),
      message);
}

}  // namespace
}  // namespace tessera
