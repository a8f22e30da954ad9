// SPDX-License-Identifier: Apache-2.0
// Temporary credentials: the token is sent and signed, refusals are understood, and links end with it.
#include <gtest/gtest.h>

#include <cstdlib>

#include "adapters/open.hpp"
#include "adapters/s3/object_store.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/http_client.hpp"
#include "ports/job.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::read_file;
using testing::refusal;
using testing::S3Server;

constexpr const char* wrong_token = "The provided token is malformed or otherwise invalid.";
constexpr const char* expired_token = "The provided token has expired.";

/// What is answered to those who follow a link with curl.
std::string by_curl(const std::string& url) {
  const testing::ServerFolder folder;
  const std::string file = folder.path() / "answer";
  EXPECT_EQ(std::system(("curl -sS -o '" + file + "' '" + url + "'").c_str()), 0);
  return read_file(file);
}

class S3Session : public ::testing::TestWithParam<bool> {
 protected:
  S3Server server{testing::S3Kind::strict, {.virtual_hosted = GetParam(), .session = true}};
  S3Options options = parse_s3_url(server.url());
  std::unique_ptr<ObjectStore> store = open_s3_object_store(options);

  void SetUp() override {
    const auto body = memory_source("content");
    store->put("a.png", *body, "image/png");
  }
  [[nodiscard]] std::unique_ptr<ObjectStore> with_token(const std::string& token) const {
    S3Options other = options;
    sigv4::Credentials credentials = options.credentials->get().value;
    credentials.session_token = token;
    other.credentials = s3::static_credentials({credentials, {}});
    return open_s3_object_store(other);
  }
  /// Every kind of request is refused because of the credentials, for a reason that is passed on.
  static void expect_refused(ObjectStore& refused, const std::string& reason) {
    const auto said = [&](const std::string& sentence) {
      EXPECT_NE(sentence.find(reason), std::string::npos) << sentence;
    };
    const auto body = memory_source("x");
    said(refusal([&] { refused.put("b.png", *body, ""); }, ErrorCode::forbidden));
    StringSink sink;
    said(refusal([&] { refused.get("a.png", sink); }, ErrorCode::forbidden));
    said(refusal([&] { static_cast<void>(refused.list("", "", 10)); }, ErrorCode::forbidden));
    said(refusal([&] { refused.remove("a.png"); }, ErrorCode::forbidden));
    said(refusal([&] { refused.check(); }, ErrorCode::forbidden));
    EXPECT_EQ(code_of([&] { static_cast<void>(refused.stat("a.png")); }), ErrorCode::forbidden);
    const std::string answer = by_curl(refused.sign_get("a.png", {}).url);
    EXPECT_NE(answer.find(reason), std::string::npos) << answer;
    EXPECT_EQ(answer.find("content"), std::string::npos) << answer;
  }
};
INSTANTIATE_TEST_SUITE_P(Styles, S3Session, ::testing::Bool(), [](const auto& instance) {
  return std::string(instance.param ? "Virtual" : "Path");
});

TEST_P(S3Session, AMissingWrongOrExpiredTokenIsRefused) {
  EXPECT_EQ(by_curl(store->sign_get("a.png", {}).url), "content");
  expect_refused(*with_token(""), "The AWS Access Key Id you provided does not exist in our records.");
  expect_refused(*with_token("of another session"), wrong_token);
  const std::string link = store->sign_get("a.png", {}).url;
  server.expire_session();
  expect_refused(*store, expired_token);
  EXPECT_NE(by_curl(link).find("<Code>ExpiredToken</Code>"), std::string::npos);
}

TEST_P(S3Session, ATokenMustBeSigned) {
  // As sign_headers does without a token; it is added after.
  const std::string endpoint = options.location.endpoint;
  const std::string host =
      (options.location.path_style ? "" : "pictures.") + endpoint.substr(endpoint.find("://") + 3);
  const std::string path = std::string(options.location.path_style ? "/pictures" : "") + "/of%20mine/a.png";
  sigv4::Credentials credentials = options.credentials->get().value;
  credentials.session_token.clear();
  sigv4::Request request{"GET", path, {}, {{"host", host}}, to_hex(sha256(""))};
  sigv4::sign_headers(request, credentials, {options.region}, system_now());
  request.headers.emplace_back("x-amz-security-token", S3Server::session_token);
  HttpClient client;
  HttpRequest http;
  http.method = "GET";
  http.url = "http://" + host + path;
  http.headers = request.headers;
  const HttpResponse response = client.send([&] { return http; });
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(response.body.find("<HeadersNotSigned>x-amz-security-token</HeadersNotSigned>"),
            std::string::npos)
      << response.body;
  // In a link the query is signed as a whole: a token that is put in later makes it another one.
  const std::string link = with_token("")->sign_get("a.png", {}).url +
                           "&X-Amz-Security-Token=" + percent_encode(S3Server::session_token);
  EXPECT_NE(by_curl(link).find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos);
}

TEST(S3Styles, ABucketThatIsAddressedInTheWrongOneSaysSo) {
  const S3Server server(testing::S3Kind::strict, {.virtual_hosted = true});
  S3Options options = parse_s3_url(server.url());
  options.location.path_style = true;
  const std::string sentence =
      refusal([&] { open_s3_object_store(options)->check(); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find("must be addressed using the specified endpoint"), std::string::npos) << sentence;
}

TEST(S3Buckets, ThatAreNotThereAreNoMissingObjects) {
  const S3Server server;
  S3Options options = parse_s3_url(server.url());
  options.location.bucket = "another";
  const auto store = open_s3_object_store(options);
  StringSink sink;
  for (const auto& sentence : {refusal([&] { store->get("a.png", sink); }, ErrorCode::unavailable),
                               refusal([&] { store->check(); }, ErrorCode::unavailable)}) {
    EXPECT_NE(sentence.find("The specified bucket does not exist"), std::string::npos) << sentence;
  }
}

TEST(S3Credentials, LinksDoNotOutliveThem) {
  setenv("AWS_ACCESS_KEY_ID", "key", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  const TimePoint noon = time_from_iso8601("2026-11-24T12:00:00.000Z");
  TimePoint now = noon;
  S3Options options = parse_s3_url("s3://bucket");
  options.now = [&] { return now; };
  EXPECT_EQ(open_s3_object_store(options)->sign_get("a", {std::chrono::hours(9), {}, {}}).expires,
            noon + std::chrono::hours(9));
  options.credentials =
      s3::static_credentials({{"key", "secret", {}}, noon + std::chrono::milliseconds(90'700)});
  const auto store = open_s3_object_store(options);
  const Link get = store->sign_get("a", {});
  EXPECT_EQ(get.expires, noon + std::chrono::seconds(90));
  EXPECT_NE(get.url.find("X-Amz-Expires=90&"), std::string::npos) << get.url;
  EXPECT_EQ(store->sign_put("a", {}).expires, noon + std::chrono::seconds(90));
  EXPECT_EQ(store->sign_get("a", {std::chrono::seconds(10), {}, {}}).expires,
            noon + std::chrono::seconds(10));
  now = noon + std::chrono::seconds(90);
  EXPECT_EQ(refusal([&] { static_cast<void>(store->sign_get("a", {})); }, ErrorCode::forbidden),
            "The credentials of the store 'bucket' have expired, so a link to 'a' would not work: "
            "restart with new ones.");
}

TEST(S3Credentials, AreReadFromTheEnvironment) {
  setenv("AWS_ACCESS_KEY_ID", "key", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  setenv("AWS_SESSION_TOKEN", "token", 1);
  unsetenv("AWS_CREDENTIAL_EXPIRATION");
  EXPECT_EQ(parse_s3_url("s3://bucket").credentials->get().value.session_token, "token");
  EXPECT_FALSE(parse_s3_url("s3://bucket").credentials->get().expires);
  for (const char* time : {"2026-11-24T12:00:00Z", "2026-11-24T12:00:00+00:00"}) {
    setenv("AWS_CREDENTIAL_EXPIRATION", time, 1);
    EXPECT_EQ(parse_s3_url("s3://bucket").credentials->get().expires,
              time_from_iso8601("2026-11-24T12:00:00.000Z"));
  }
  for (const char* time : {"tomorrow", "2026-11-24T12:00:00", "2026-11-24T12:00:00+01:00"}) {
    setenv("AWS_CREDENTIAL_EXPIRATION", time, 1);
    EXPECT_EQ(code_of([] { static_cast<void>(parse_s3_url("s3://bucket")); }), ErrorCode::usage) << time;
  }
  unsetenv("AWS_CREDENTIAL_EXPIRATION");
  unsetenv("AWS_SESSION_TOKEN");
}

}  // namespace
}  // namespace tessera
