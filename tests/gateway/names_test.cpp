// SPDX-License-Identifier: Apache-2.0
// Names that clients choose, where they come in and where they go out.
#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/printable.hpp"
#include "gateway/gateway_fixture.hpp"
#include "service/gateway/entry_names.hpp"
#include "service/gateway/zip_stream.hpp"

namespace tessera::service {
namespace {

using testing::Answer;

std::map<std::string, std::string> unpacked(const std::string& zip) {
  std::map<std::string, std::string> entries;
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  archive_read_support_format_zip(reader.get());
  EXPECT_EQ(archive_read_open_memory(reader.get(), zip.data(), zip.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    const la_ssize_t count = archive_read_data(reader.get(), content.data(), content.size());
    EXPECT_EQ(count, static_cast<la_ssize_t>(content.size()));
    const char* const name = archive_entry_pathname_utf8(entry);
    EXPECT_TRUE(entries.emplace(name, content).second) << name;
  }
  return entries;
}

TEST(Printable, EscapesWhatTerminalsObeyAndLeavesLettersAlone) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\r\t\x7f"), "a\\x1b[2Jb\\n\\r\\t\\x7f");
  EXPECT_EQ(printable("x\u202Egnp.exe"), "x\\u{202e}gnp.exe");
  EXPECT_EQ(printable("\u0085\u2028\u2066"), "\\u{85}\\u{2028}\\u{2066}");
  EXPECT_EQ(printable("b\xff\xc3"), "b\\xff\\xc3");
  EXPECT_EQ(printable("Größe 写真 🦜.png"), "Größe 写真 🦜.png");
  EXPECT_FALSE(has_control_characters("Größe 写真 🦜.png"));
  for (const std::string& bad : {std::string("a\0b", 3), std::string("\n"), std::string("\u009b"),
                                 std::string("\u202e"), std::string("\u061c"), std::string("\xff")}) {
    EXPECT_TRUE(has_control_characters(bad)) << printable(bad);
  }
}

TEST_F(GatewayTest, RefusesNamesThatForgeLinesMoveCursorsOrLeadElsewhere) {
  start();
  for (const std::string& name :
       {std::string("a\nb.png"), std::string("a\x1b[2J.png"), std::string("a\0b.png", 7),
        std::string("a\\b.png"), std::string("..\\..\\evil.png"), std::string("a\u009b1m.png"),
        std::string("a\u202Egnp.exe"), std::string("a\u2066b.png"), std::string("a/b.png")}) {
    const Answer refused = submit({{"name", name}});
    EXPECT_EQ(refused.status, 400) << printable(name);
    const std::string detail = Json::parse(refused.body).at("detail");
    EXPECT_NE(detail.find("'name'"), std::string::npos) << detail;
    EXPECT_FALSE(has_control_characters(detail)) << printable(detail);
  }
  EXPECT_EQ(submit({{"name", "Größe 写真 🦜.png"}}).status, 202);
}

TEST_F(GatewayTest, RefusesTheSameInForms) {
  start();
  const auto form = [&](const std::string& file_name, const std::string& type) {
    return testing::ask(
        server->port(), "POST", "/v1/jobs", {{"Content-Type", "multipart/form-data; boundary=b"}},
        "--b\r\nContent-Disposition: form-data; name=pipeline\r\n\r\ninvert\r\n"
        "--b\r\nContent-Disposition: form-data; name=f; filename=\"" +
            file_name + "\"\r\nContent-Type: " + type + "\r\n\r\nP6 1 1 255\nabc\r\n--b--\r\n");
  };
  EXPECT_EQ(form("a.ppm", "image/png").status, 202);
  EXPECT_EQ(form("a\x1b[2J.ppm", "image/png").status, 400);
  EXPECT_EQ(form("a\u202E.ppm", "image/png").status, 400);
  for (const char* type : {"image/png\nx-goog-acl: public-read", "image/p\x01ng", "png", "image/p\u00e9ng"}) {
    const Answer refused = form("a.ppm", type);
    EXPECT_EQ(refused.status, 400) << printable(type);
    EXPECT_NE(refused.body.find("Content-Type"), std::string::npos) << refused.body;
  }
}

TEST_F(GatewayTest, JsonThatNoNumberHoldsIsAMistakeOfTheRequest) {
  start();
  for (const char* body : {R"({"object": 1e999999})", R"({"object": -1e999999})", R"([1e400)", "\xff"}) {
    const Answer refused =
        testing::ask(server->port(), "POST", "/v1/jobs", {{"Content-Type", "application/json"}}, body);
    EXPECT_EQ(refused.status, 400) << body << refused.body;
  }
}

TEST(EntryNames, AreNamesEverywhere) {
  EXPECT_EQ(safe_entry_name("photo-invert.png"), "photo-invert.png");
  EXPECT_EQ(safe_entry_name("..\\..\\evil.png"), ".._.._evil.png");
  EXPECT_EQ(safe_entry_name("C:evil?.png"), "C_evil_.png");
  EXPECT_EQ(safe_entry_name("a\r\nb"), "a_r_nb");
  EXPECT_EQ(safe_entry_name("nul.png"), "_nul.png");
  EXPECT_EQ(safe_entry_name("COM1"), "_COM1");
  EXPECT_EQ(safe_entry_name("comet.png"), "comet.png");
  EXPECT_EQ(safe_entry_name("a. . "), "a");
  EXPECT_EQ(safe_entry_name("..."), "result");
  EXPECT_EQ(folded("PHOTO.png"), folded("photo.PNG"));
  EXPECT_EQ(folded("ÄÖ.png"), folded("äö.png"));
  EXPECT_NE(folded("a.png"), folded("b.png"));
}

TEST_F(GatewayTest, ZipsHaveEachResultOnceUnderANameOfItsOwn) {
  std::vector<Job> jobs;
  const auto add = [&](const std::string& file_name, bool there = true) {
    Job job;
    job.id = new_id("job", now);
    job.request.name = file_name;
    job.state = JobState::done;
    job.updated = now;
    job.result = JobResult{"results/local/" + job.id, file_name, "image/png", 14, 1, 1, Json::array(), {}};
    if (there) {
      put(job.result->object);
    }
    jobs.push_back(job);
  };
  add("a.png");
  add("A.PNG");
  add("gone.png", false);
  add("..\\evil.png");
  add("Failures.txt");
  StringSink zip;
  write_results_zip(jobs, *objects, zip);
  const auto entries = unpacked(zip.text);
  std::vector<std::string> names;
  for (const auto& [name, content] : entries) {
    names.push_back(name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{".._evil.png", "A (2).PNG", "Failures (2).txt", "a.png",
                                             "failures.txt"}));
  EXPECT_EQ(entries.at("failures.txt"), "gone.png: The result no longer exists.\n");
  EXPECT_EQ(entries.at("a.png"), "P6 1 1 255\nabc");
}

}  // namespace
}  // namespace tessera::service
