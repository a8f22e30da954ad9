// SPDX-License-Identifier: Apache-2.0
// Responses of credentials services, valid and invalid.
#include <gtest/gtest.h>

#include "adapters/s3/credentials_responses.hpp"
#include "base/error.hpp"
#include "ports/job.hpp"
#include "support/errors.hpp"

namespace tessera::s3 {
namespace {

using testing::code_of;
using testing::refusal;

TEST(S3CredentialsResponses, TimesAreParsedOrRejected) {
  const TimePoint noon = time_from_iso8601("2026-11-24T12:00:00.000Z");
  for (const char* text :
       {"2026-11-24T12:00:00Z", "2026-11-24T12:00:00+00:00", "2026-11-24T12:00:00.123456Z"}) {
    EXPECT_EQ(parse_expiry(text), noon) << text;
  }
  for (const char* text :
       {"", "tomorrow", "2026-11-24T12:00:00", "2026-11-24T12:00:00+01:00", "2026-11-24T12:00:00.",
        "2026-11-24T12:00:00.1", "2026-11-24 12:00:00Z", "20261124T120000Z"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_expiry(text)); }), ErrorCode::usage) << text;
  }
}

TEST(S3CredentialsResponses, RoleCredentialsAreParsedOrRejected) {
  const auto parsed = [](int status, const std::string& body) {
    return parse_role_credentials({status, {}, body}, "It");
  };
  const ExpiringCredentials credentials =
      parsed(200, R"({"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "S/+", "Token": "T=",
                                   "Expiration": "2026-11-24T12:00:00Z"})");
  EXPECT_EQ(credentials.value, (sigv4::Credentials{"A", "S/+", "T="}));
  EXPECT_EQ(credentials.expires, time_from_iso8601("2026-11-24T12:00:00.000Z"));
  EXPECT_EQ(parsed(200, R"({"AccessKeyId": "A", "SecretAccessKey": "S"})").expires, std::nullopt);
  for (const char* body :
       {"", "[]", "{}", R"({"AccessKeyId": "A"})", R"({"AccessKeyId": 1, "SecretAccessKey": "S"})",
        R"({"AccessKeyId": "A\r\nHost: evil", "SecretAccessKey": "S"})",
        R"({"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T\n"})",
        R"({"AccessKeyId": "A", "SecretAccessKey": "S", "Expiration": "soon"})"}) {
    EXPECT_EQ(code_of([&] { parsed(200, body); }), ErrorCode::unavailable) << body;
  }
  EXPECT_EQ(
      refusal([&] { parsed(200, R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "No trust."})"); },
              ErrorCode::forbidden),
      "It provides no credentials: AssumeRoleUnauthorizedAccess No trust.");
  EXPECT_EQ(code_of([&] { parsed(404, "<html>"); }), ErrorCode::forbidden);
  EXPECT_EQ(code_of([&] { parsed(429, ""); }), ErrorCode::unavailable);
  EXPECT_EQ(code_of([&] { parsed(503, ""); }), ErrorCode::unavailable);
}

TEST(S3CredentialsResponses, WebIdentityCredentialsAreParsedOrRejected) {
  const auto parsed = [](int status, const std::string& body) {
    return parse_web_identity_credentials({status, {}, body}, "It");
  };
  const auto document = [](const std::string& credentials) {
    return "<AssumeRoleWithWebIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
           "<AssumeRoleWithWebIdentityResult><Credentials>" +
           credentials +
           "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
  };
  const ExpiringCredentials credentials =
      parsed(200, document("<AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>"
                           "<SessionToken>T</SessionToken><Expiration>2026-11-24T12:00:00Z</Expiration>"));
  EXPECT_EQ(credentials.value, (sigv4::Credentials{"A", "S", "T"}));
  EXPECT_EQ(credentials.expires, time_from_iso8601("2026-11-24T12:00:00.000Z"));
  for (const std::string& body :
       {std::string(), std::string("<a"), document(""), document("<AccessKeyId>A</AccessKeyId>")}) {
    EXPECT_EQ(code_of([&] { parsed(200, body); }), ErrorCode::unavailable) << body;
  }
  EXPECT_EQ(refusal(
                [&] {
                  parsed(403,
                         "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized"
                         "</Message></Error></ErrorResponse>");
                },
                ErrorCode::forbidden),
            "It provides no credentials: status 403: Not authorized.");
  EXPECT_EQ(code_of([&] { parsed(500, ""); }), ErrorCode::unavailable);
}

TEST(S3CredentialsResponses, ProfileIsParsed) {
  const std::string file =
      "# mine\n"
      "[default]\r\n"
      "aws_access_key_id=D\r\n"
      "aws_secret_access_key = s = t\r\n"
      "; aws_session_token = no\n"
      "[ work ]\n"
      "region = eu-central-1\n"
      "aws_access_key_id = W\n"
      "aws_secret_access_key = W/+\n"
      "aws_session_token = T==\n"
      "[half]\n"
      "aws_access_key_id = H\n"
      "[odd]\n"
      "aws_access_key_id = a\tb\n"
      "aws_secret_access_key = c";
  EXPECT_EQ(parse_profile(file, "work"), (sigv4::Credentials{"W", "W/+", "T=="}));
  EXPECT_EQ(parse_profile(file, "play"), std::nullopt);
  EXPECT_EQ(parse_profile("", "default"), std::nullopt);
  EXPECT_EQ(parse_profile("[default", "defaul"), std::nullopt);
  EXPECT_EQ(parse_profile(file, "default"), (sigv4::Credentials{"D", "s = t", ""}));
  EXPECT_EQ(refusal([&] { static_cast<void>(parse_profile(file, "half")); }, ErrorCode::usage),
            "The profile 'half' has no valid 'aws_secret_access_key'.");
  EXPECT_EQ(refusal([&] { static_cast<void>(parse_profile(file, "odd")); }, ErrorCode::usage),
            "The profile 'odd' has no valid 'aws_access_key_id'.");
  EXPECT_EQ(parse_profile("[default]\naws_access_key_id=D\naws_secret_access_key = s=t", "default"),
            (sigv4::Credentials{"D", "s=t", ""}));
}

}  // namespace
}  // namespace tessera::s3
