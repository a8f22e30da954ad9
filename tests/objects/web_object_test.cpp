// SPDX-License-Identifier: Apache-2.0
// Files on web servers, of which some have no ranges, lead elsewhere, break off, or change meanwhile.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "objects/objects.hpp"
#include "servers/scripted_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::answer;
using testing::code_of;
using testing::refusal;
using testing::ScriptedServer;

std::string part(const std::string& body, const std::string& range, const std::string& tag = "\"a\"") {
  return answer("206 Partial Content", body, "Content-Range: bytes " + range + "\r\nETag: " + tag + "\r\n");
}

std::string text(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string read(const OpenedObject& opened, std::int64_t first, std::int64_t count) {
  StringSink out;
  opened.object->read(first, count, out);
  return out.text;
}

TEST(WebObject, IsReadInRanges) {
  ScriptedServer server({part("0123", "0-3/10"), part("678", "6-8/10")});
  const OpenedObject opened = open_web_object(server.url(), 4);
  EXPECT_EQ(opened.size, 10);
  EXPECT_EQ(opened.version, "\"a\"");
  EXPECT_EQ(text(opened.head), "0123");
  EXPECT_EQ(read(opened, 6, 3), "678");
  EXPECT_NE(server.header().find("Range: bytes=6-8\r\n"), std::string::npos) << server.header();
}

TEST(WebObject, OfAServerWithoutRangesIsReadWhole) {
  ScriptedServer server({answer("200 OK", "0123456789", "Last-Modified: Mon, 02 Nov 2026 10:00:00 GMT\r\n")});
  const OpenedObject opened = open_web_object(server.url(), 4);
  EXPECT_EQ(opened.size, 10);
  EXPECT_EQ(text(opened.head), "0123456789");
  EXPECT_EQ(opened.version, "modified Mon, 02 Nov 2026 10:00:00 GMT");
}

TEST(WebObject, MayBeElsewhere) {
  ScriptedServer there({part("0123", "0-3/10"), part("45", "4-5/10")});
  ScriptedServer here(
      {answer("302 Found", "moved", "Location: " + there.url() + "\r\n"), answer("404 Not Found")});
  const OpenedObject opened = open_web_object(here.url(), 4);
  EXPECT_EQ(read(opened, 4, 2), "45");  // and is not looked for here again
  EXPECT_EQ(here.requests(), 1);
}

TEST(WebObject, LeadsNowhereElse) {
  ScriptedServer away({answer("302 Found", "", "Location: file:///etc/passwd\r\n")});
  EXPECT_EQ(code_of([&] { static_cast<void>(open_web_object(away.url(), 4)); }), ErrorCode::unavailable);
  std::vector<std::string> circle(20, answer("301 Moved", "", "Location: /x\r\n"));
  ScriptedServer endless(circle);
  EXPECT_NE(refusal([&] { static_cast<void>(open_web_object(endless.url(), 4)); }, ErrorCode::unavailable)
                .find("more than 10 times"),
            std::string::npos);
}

TEST(WebObject, GoesOnWhereAConnectionBreaks) {
  std::string broken = part("4567", "4-7/10");
  broken.resize(broken.size() - 2);
  ScriptedServer server({part("0123", "0-3/10"), broken, part("67", "6-7/10")});
  const OpenedObject opened = open_web_object(server.url(), 4);
  EXPECT_EQ(read(opened, 4, 4), "4567");
  EXPECT_NE(server.header().find("Range: bytes=6-7\r\n"), std::string::npos) << server.header();
}

TEST(WebObject, ThatChangedIsNotMixedWithWhatItWas) {
  for (const std::string& later :
       {part("4567", "4-7/10", "\"b\""), answer("200 OK", "0123456789", "ETag: \"a\"\r\n"),
        answer("404 Not Found"), answer("416 Range Not Satisfiable")}) {
    ScriptedServer server({part("0123", "0-3/10"), later});
    const OpenedObject opened = open_web_object(server.url(), 4);
    StringSink out;
    EXPECT_NE(refusal([&] { opened.object->read(4, 4, out); }, ErrorCode::conflict)
                  .find("changed while it was read"),
              std::string::npos)
        << later;
    EXPECT_EQ(out.text, "");
  }
}

TEST(WebObject, ThatCannotBeReadSaysWhy) {
  for (const auto& [status, code] :
       {std::pair{"404 Not Found", ErrorCode::not_found}, std::pair{"403 Forbidden", ErrorCode::forbidden},
        std::pair{"400 Bad Request", ErrorCode::unavailable}}) {
    ScriptedServer server({answer(status, "a page of HTML")});
    EXPECT_EQ(code_of([&] { static_cast<void>(open_web_object(server.url() + "?signature=secret", 4)); }),
              code);
  }
  ScriptedServer server({answer("404 Not Found")});
  const std::string sentence =
      refusal([&] { static_cast<void>(open_web_object(server.url() + "?signature=secret", 4)); },
              ErrorCode::not_found);
  EXPECT_EQ(sentence, "The server answers status 404 for '" + server.url() + "'.");
}

TEST(WebObject, MayBeEmpty) {
  ScriptedServer server({answer("416 Range Not Satisfiable", "", "Content-Range: bytes */0\r\n")});
  EXPECT_EQ(open_web_object(server.url(), 4).size, 0);
}

}  // namespace
}  // namespace tessera
