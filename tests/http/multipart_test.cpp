// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/error.hpp"
#include "http/piece_source.hpp"
#include "support/errors.hpp"

namespace tessera::http {
namespace {

using testing::code_of;
using testing::PieceSource;

struct Part {
  PartHeader header;
  std::string content;
};

std::vector<Part> read_all(const std::string& body, const std::string& boundary, std::size_t piece,
                           std::size_t out_bytes = 7) {
  PieceSource source(body, piece);
  MultipartReader reader(source, boundary);
  std::vector<Part> parts;
  std::vector<std::byte> out(out_bytes);
  while (auto header = reader.next()) {
    parts.push_back({std::move(*header), {}});
    while (const std::size_t count = reader.read(out)) {
      parts.back().content.append(reinterpret_cast<const char*>(out.data()), count);
    }
  }
  return parts;
}

const std::string body =
    "a preamble\r\n"
    "--b--d\r\n"
    "Content-Disposition: form-data; name=\"pipeline\"\r\n"
    "\r\n"
    "gaussian-blur sigma=2\r\n"
    "--b--d  \r\n"
    "content-type: image/png\r\n"
    "CONTENT-DISPOSITION: Form-Data; name=file; filename=\"C:\\photos\\a \\\"b\\\"; c.png\"\r\n"
    "\r\n"
    "\r\n--b--\r\n\r\n--b--x\r\n"
    "\r\n"
    "--b--d\r\n"
    "Content-Disposition: form-data; name=\"empty\"\r\n"
    "\r\n"
    "\r\n--b--d--\r\nan epilogue";

TEST(Multipart, GivesPartsToTheLastByteHoweverTheyCome) {
  for (std::size_t piece = 1; piece < body.size() + 1; ++piece) {
    const std::vector<Part> parts = read_all(body, "b--d", piece, piece % 9 + 1);
    ASSERT_EQ(parts.size(), 3U) << piece;
    EXPECT_EQ(parts[0].header.name, "pipeline");
    EXPECT_FALSE(parts[0].header.file_name);
    EXPECT_EQ(parts[0].content, "gaussian-blur sigma=2");
    EXPECT_EQ(parts[1].header.name, "file");
    EXPECT_EQ(parts[1].header.file_name, "a \"b\"; c.png");
    EXPECT_EQ(parts[1].header.content_type, "image/png");
    EXPECT_EQ(parts[1].content, "\r\n--b--\r\n\r\n--b--x\r\n");
    EXPECT_EQ(parts[2].header.name, "empty");
    EXPECT_EQ(parts[2].content, "");
  }
}

TEST(Multipart, PassesOverWhatIsNotRead) {
  PieceSource source(body, 5);
  MultipartReader reader(source, "b--d");
  EXPECT_EQ(reader.next()->name, "pipeline");
  EXPECT_EQ(reader.next()->name, "file");
  EXPECT_EQ(reader.next()->name, "empty");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.next());
  std::byte out[4];
  EXPECT_EQ(reader.read(out), 0U);
}

TEST(Multipart, RefusesWhatIsCutOffOrBroken) {
  // Cut before the closing delimiter is whole, wherever that is.
  const std::size_t end = body.find("--d--\r\nan") + 5;
  for (std::size_t size = 0; size < end; ++size) {
    EXPECT_EQ(code_of([&] { read_all(body.substr(0, size), "b--d", 1000); }), ErrorCode::usage) << size;
  }
  const std::string head = "--b\r\nContent-Disposition: form-data; name=a\r\n";
  for (const std::string& wrong :
       {std::string("--b\r\n\r\nx\r\n--b--"),
        std::string("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"),
        std::string("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--"),
        std::string("--b\r\nno colon\r\n\r\nx\r\n--b--"), std::string("--b and more\r\n\r\nx\r\n--b--"),
        head + "X: " + std::string(20'000, 'x') + "\r\n\r\nx\r\n--b--", head + [] {
          std::string many;
          for (int i = 0; i < 100; ++i) {
            many += "X: y\r\n";
          }
          return many;
        }() + "\r\nx\r\n--b--"}) {
    EXPECT_EQ(code_of([&] { read_all(wrong, "b", 1000); }), ErrorCode::usage) << wrong.substr(0, 60);
  }
  EXPECT_EQ(code_of([&] { read_all(body, "", 10); }), ErrorCode::usage);
  EXPECT_EQ(code_of([&] { read_all(body, std::string(71, 'b'), 10); }), ErrorCode::usage);
}

}  // namespace
}  // namespace tessera::http
