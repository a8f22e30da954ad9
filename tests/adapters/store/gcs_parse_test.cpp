// SPDX-License-Identifier: Apache-2.0
// Bytes from outside: key files, tokens, signatures and listings, right, broken and hostile.
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/bucket/listing.hpp"
#include "adapters/gcs/access_token.hpp"
#include "adapters/gcs/credentials.hpp"
#include "adapters/gcs/resumable_upload.hpp"
#include "adapters/gcs/service_account.hpp"
#include "net/crypto.hpp"
#include "ports/job.hpp"
#include "servers/gcs_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::refusal;

Json key_file() {
  return {{"type", "service_account"},
          {"private_key_id", "key-1"},
          {"private_key", testing::rsa_private_key()},
          {"client_email", "me@project.iam.gserviceaccount.com"},
          {"token_uri", "https://oauth2.googleapis.com/token"}};
}

std::string refused_key_file(const Json& json) {
  return refusal([&] { static_cast<void>(gcs::parse_service_account(json.dump())); }, ErrorCode::usage);
}

TEST(GcsKeyFile, IsRead) {
  const gcs::ServiceAccount account = gcs::parse_service_account(key_file().dump());
  EXPECT_EQ(account.email, "me@project.iam.gserviceaccount.com");
  EXPECT_EQ(account.key_id, "key-1");
  EXPECT_EQ(account.universe_domain, "googleapis.com");
  Json other = key_file();
  other["universe_domain"] = "example.cloud";
  EXPECT_EQ(gcs::parse_service_account(other.dump()).universe_domain, "example.cloud");
}

TEST(GcsKeyFile, IsRefusedInWords) {
  for (const char* text : {"", "{", "[]", "null", "\"x\"", "{}"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(gcs::parse_service_account(text)); }), ErrorCode::usage)
        << text;
  }
  for (const char* name : {"type", "private_key_id", "private_key", "client_email", "token_uri"}) {
    for (const Json& wrong : {Json(), Json(1), Json(""), Json::array()}) {
      Json json = key_file();
      json[name] = wrong;
      EXPECT_EQ(refused_key_file(json), std::string("It has no text '") + name + "'.");
    }
  }
  Json user = key_file();
  user["type"] = "authorized_user";
  EXPECT_NE(refused_key_file(user).find("'authorized_user'"), std::string::npos);
  Json split = key_file();
  split["private_key_id"] = "a\r\nX-Header: b";
  EXPECT_NE(refused_key_file(split).find("private_key_id"), std::string::npos);
  Json location = key_file();
  location["token_uri"] = "file:///etc/passwd";
  EXPECT_NE(refused_key_file(location).find("token_uri"), std::string::npos);
}

TEST(GcsKeyFile, TellsNothingOfTheKey) {
  const std::string& pem = testing::rsa_private_key();
  for (const std::string& key :
       {pem.substr(0, pem.size() / 2), std::string("SECRET"), "x" + pem.substr(10),
        // An elliptic curve, made for this test.
        std::string("-----BEGIN PRIVATE KEY-----\n"
                    "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
                    "-----END PRIVATE KEY-----\n")}) {
    Json json = key_file();
    json["private_key"] = key;
    const std::string sentence = refused_key_file(json);
    EXPECT_TRUE(sentence.starts_with("It is")) << sentence;
    EXPECT_EQ(sentence.find("SECRET"), std::string::npos);
  }
}

TEST(GcsKeyFile, IsNamedWhenItIsNone) {
  const testing::ServerFolder folder;
  const auto file = folder.path() / "key.json";
  std::ofstream(file) << "{}";
  EXPECT_EQ(refusal([&] { static_cast<void>(gcs::read_service_account(file)); }, ErrorCode::usage),
            "'" + file.string() + "' is not a key file of a Google service account: It has no text 'type'.");
  std::ofstream(file) << std::string(100'000, ' ');
  EXPECT_NE(
      refusal([&] { static_cast<void>(gcs::read_service_account(file)); }, ErrorCode::usage).find("65536"),
      std::string::npos);
}

TEST(GcsToken, IsReadOrRefused) {
  const TimePoint now{std::chrono::hours(1)};
  const auto parsed = [&](int status, const std::string& body) {
    return gcs::parse_token({status, {}, body}, "It", now);
  };
  const gcs::AccessToken token =
      parsed(200, R"({"access_token": "ya29.x", "expires_in": 3599, "token_type": "Bearer"})");
  EXPECT_EQ(token.value, "ya29.x");
  EXPECT_EQ(token.expires, now + std::chrono::seconds(3599));
  EXPECT_EQ(parsed(200, R"({"access_token": "x", "expires_in": 9223372036854775807})").expires,
            now + std::chrono::hours(24));
  for (const char* body :
       {"", "[]", "{}", R"({"access_token": 1, "expires_in": 1})", R"({"access_token": "x"})",
        R"({"access_token": "", "expires_in": 1})", R"({"access_token": "x\r\nHost: evil", "expires_in": 1})",
        R"({"access_token": "x", "expires_in": "soon"})"}) {
    EXPECT_EQ(code_of([&] { parsed(200, body); }), ErrorCode::unavailable) << body;
  }
  EXPECT_EQ(code_of([&] { parsed(400, "{}"); }), ErrorCode::forbidden);
  EXPECT_EQ(code_of([&] { parsed(404, "<html>"); }), ErrorCode::forbidden);
  EXPECT_EQ(code_of([&] { parsed(503, ""); }), ErrorCode::unavailable);
}

TEST(GcsSignedBlob, IsReadOrRefused) {
  const auto parsed = [](int status, const std::string& body) {
    return gcs::parse_signed_blob({status, {}, body}, "me@project");
  };
  EXPECT_EQ(parsed(200, R"({"keyId": "k", "signedBlob": "AP8="})"), std::string("\0\xff", 2));
  for (const char* body :
       {"", "{}", R"({"signedBlob": 1})", R"({"signedBlob": "?"})", R"({"signedBlob": ""})"}) {
    EXPECT_EQ(code_of([&] { parsed(200, body); }), ErrorCode::unavailable) << body;
  }
  EXPECT_EQ(code_of([&] { parsed(403, R"({"error": {"message": 1}})"); }), ErrorCode::forbidden);
  EXPECT_EQ(code_of([&] { parsed(500, "x"); }), ErrorCode::unavailable);
}

TEST(GcsUpload, UnderstandsWhatTheStoreHas) {
  const auto confirmed_bytes = [](const std::string& range) {
    HttpResponse answer;
    answer.headers["range"] = range;
    return gcs::bytes_taken(answer);
  };
  EXPECT_EQ(gcs::bytes_taken({}), 0);
  EXPECT_EQ(confirmed_bytes("bytes=0-0"), 1);
  EXPECT_EQ(confirmed_bytes("bytes=0-262143"), 262144);
  for (const char* range : {"bytes=1-2", "bytes=0-", "bytes=0--1", "0-1", "bytes=0-1x",
                            "bytes=0-9223372036854775807", "bytes=0-99999999999999999999"}) {
    EXPECT_EQ(code_of([&] { confirmed_bytes(range); }), ErrorCode::unavailable) << range;
  }
}

std::string listing_of(const std::string& contents) {
  return "<?xml version='1.0'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>" + contents +
         "</ListBucketResult>";
}

TEST(BucketListing, IsReadOrRefused) {
  const Listing listing = parse_listing(
      listing_of(
          "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
          "<Contents><Key>p/a&amp;b</Key><Size>7</Size><LastModified>2019-02-01T09:00:00.123Z</LastModified>"
          "</Contents><Contents><Key>p/c</Key><Size>0</Size><LastModified>2019-02-01T09:00:00Z</LastModified>"
          "</Contents>"),
      "p/");
  ASSERT_EQ(listing.objects.size(), 2U);
  EXPECT_EQ(listing.objects[0].name, "a&b");
  EXPECT_EQ(listing.objects[0].size_bytes, 7);
  EXPECT_EQ(listing.objects[0].modified - listing.objects[1].modified, std::chrono::milliseconds(123));
  EXPECT_TRUE(listing.truncated);
  EXPECT_EQ(listing.continuation, "t");
  const std::vector<std::string> broken{
      "",
      "x",
      "<a/>",
      "<ListBucketResult>",
      listing_of("<Contents><Key>p/a</Key></Contents>"),
      listing_of("<Contents><Key>p/a</Key><Size>-1</Size></Contents>"),
      listing_of("<Contents><Key>p/a</Key><Size>99999999999999999999</Size></Contents>"),
      listing_of("<Contents><Key>p</Key><Size>1</Size></Contents>"),
      listing_of("<Contents><Key>p/a</Key><Size>1</Size><LastModified>never</LastModified></Contents>")};
  for (const std::string& xml : broken) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_listing(xml, "p/")); }), ErrorCode::unavailable) << xml;
  }
}

TEST(BucketErrors, AreForPeople) {
  EXPECT_EQ(error_message("<Error><Code>X</Code><Message>No.</Message><Details>Why.</Details></Error>"),
            "No. Why.");
  EXPECT_EQ(error_message("<Error><Message>No.</Message></Error>"), "No.");
  EXPECT_EQ(error_message("not XML"), "");
  EXPECT_EQ(error_message("<html/>"), "");
}

}  // namespace
}  // namespace tessera
