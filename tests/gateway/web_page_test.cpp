// SPDX-License-Identifier: Apache-2.0
// How the embedded files of the page are served.
#include "service/web_page.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>

#include "base/error.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"

namespace tessera::service {
namespace {

using testing::Answer;
using testing::ask;

std::string gzipped(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

const std::string page = "<!doctype html><title>Page</title>";
const std::string script = "console.log('hello')";

class WebPageTest : public ::testing::Test {
 protected:
  http::Server serve(
      std::span<const WebAsset> files,
      std::function<std::vector<std::string>()> origins = [] { return std::vector<std::string>(); }) {
    http::Router router;
    mount_web_page(router, files, std::move(origins));
    return {http::ServerOptions{}, std::move(router)};
  }
  std::string page_gzip = gzipped(page);
  std::string script_gzip = gzipped(script);
  std::array<WebAsset, 2> assets{
      WebAsset{"/", "text/html; charset=utf-8", "0123", page_gzip, false},
      WebAsset{"/assets/main-4567.js", "text/javascript; charset=utf-8", "4567", script_gzip, true}};
};

TEST_F(WebPageTest, IsCompressedForThoseWhoAcceptIt) {
  const http::Server server = serve(assets);
  Answer answer = ask(server.port(), "GET", "/", {{"Accept-Encoding", "br, gzip;q=0.8"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, page_gzip);
  EXPECT_EQ(answer.headers["content-encoding"], "gzip");
  EXPECT_EQ(answer.headers["vary"], "Accept-Encoding");
  Answer plain = ask(server.port(), "GET", "/", {{"Accept-Encoding", "br, gzip;q=0"}});
  EXPECT_EQ(plain.body, page);
  EXPECT_FALSE(plain.headers.contains("content-encoding"));
  EXPECT_EQ(plain.headers["vary"], "Accept-Encoding");
  EXPECT_NE(answer.headers["etag"], plain.headers["etag"]);
}

TEST_F(WebPageTest, IsNotSentAgainToThoseWhoHaveIt) {
  const http::Server server = serve(assets);
  const std::string etag = ask(server.port(), "GET", "/").headers["etag"];
  EXPECT_EQ(etag, "\"0123\"");
  Answer same = ask(server.port(), "GET", "/", {{"If-None-Match", "\"x\", W/" + etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.headers["etag"], etag);
  EXPECT_EQ(same.headers["cache-control"], "no-cache");
  EXPECT_EQ(ask(server.port(), "GET", "/", {{"If-None-Match", "\"x\""}}).status, 200);
  Answer head = ask(server.port(), "HEAD", "/assets/main-4567.js");
  EXPECT_EQ(head.headers["cache-control"], "public, max-age=31536000, immutable");
  EXPECT_EQ(head.headers["content-type"], "text/javascript; charset=utf-8");
}

TEST_F(WebPageTest, AllowsNothingButItsOwnFilesAndTheStore) {
  const http::Server server =
      serve(assets, [] { return std::vector<std::string>{"https://bucket.example"}; });
  Answer answer = ask(server.port(), "GET", "/");
  const std::string policy = answer.headers["content-security-policy"];
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  for (const char* const part :
       {"default-src 'none'", "script-src 'self';", "style-src 'self';",
        "img-src 'self' blob: https://bucket.example;", "connect-src 'self' https://bucket.example;",
        "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << part << " in " << policy;
  }
  EXPECT_EQ(answer.headers["referrer-policy"], "no-referrer");
  EXPECT_EQ(answer.headers["x-content-type-options"], "nosniff");
  EXPECT_EQ(ask(server.port(), "POST", "/").status, 405);
  EXPECT_EQ(ask(server.port(), "GET", "/assets/main-0000.js").status, 404);
}

TEST_F(WebPageTest, SaysThatItIsMissing) {
  const http::Server server = serve({});
  Answer answer = ask(server.port(), "GET", "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers["content-type"], "text/plain; charset=utf-8");
  EXPECT_NE(answer.body.find("no web page"), std::string::npos);
}

TEST_F(WebPageTest, RefusesDamagedFiles) {
  assets[0].gzip = assets[0].gzip.substr(0, 12);
  http::Router router;
  EXPECT_THROW(mount_web_page(router, assets), std::logic_error);
}

TEST(AcceptEncoding, IsReadAsTheStandardWritesIt) {
  for (const char* const yes :
       {"gzip", "GZIP", "deflate, gzip", "*", "gzip;q=0.1", "br;q=1.0, *;q=0.5", "*;q=0, gzip"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* const no : {"", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "gzipped", "identity"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
}

}  // namespace
}  // namespace tessera::service
