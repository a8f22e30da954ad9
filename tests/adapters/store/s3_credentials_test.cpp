// SPDX-License-Identifier: Apache-2.0
// Temporary credentials: they are requested when needed, and renewed before they expire or when they are
// rejected.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "adapters/open.hpp"
#include "adapters/s3/credentials.hpp"
#include "adapters/s3/object_store.hpp"
#include "base/error.hpp"
#include "ports/part_uploads.hpp"
#include "servers/s3_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::read_file;
using testing::refusal;
using testing::S3Identity;
using testing::S3Kind;
using testing::S3Server;
using testing::ServerFolder;

void put(ObjectStore& store, const std::string& name, const std::string& content = "content") {
  const auto body = memory_source(content);
  store.put(name, *body, "image/png");
}

std::string get(ObjectStore& store, const std::string& name) {
  StringSink sink;
  store.get(name, sink);
  return sink.text;
}

/// What boto3, Amazon's own library, reads with the credentials that it finds by itself.
std::string by_boto(const S3Server& server, const std::string& name) {
  const ServerFolder folder;
  std::ofstream(folder.path() / "get.py")
      << "import boto3, botocore.client, sys\n"
         "s = boto3.client('s3', endpoint_url='" +
             server.endpoint() +
             "', region_name='us-east-1',\n    config=botocore.client.Config(s3={'addressing_style': "
             "'path'}))\n"
             "sys.stdout.buffer.write(s.get_object(Bucket='pictures', Key='of mine/" +
             name + "')['Body'].read())\n";
  EXPECT_EQ(std::system(("cd '" + folder.path().string() + "' && python3 get.py > got").c_str()), 0);
  return read_file(folder.path() / "got");
}

class S3TemporaryCredentials : public ::testing::TestWithParam<S3Identity> {
 protected:
  S3Server server{S3Kind::strict, {.identity = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(From, S3TemporaryCredentials,
                         ::testing::Values(S3Identity::machine, S3Identity::container,
                                           S3Identity::web_identity),
                         [](const auto& instance) {
                           return std::string(instance.param == S3Identity::machine     ? "Machine"
                                              : instance.param == S3Identity::container ? "Container"
                                                                                        : "WebIdentity");
                         });

TEST_P(S3TemporaryCredentials, AuthenticateAllRequestsAndAreFetchedOnce) {
  S3Options options = parse_s3_url(server.url());
  options.part_bytes = min_part_bytes;
  const auto store = open_s3_object_store(options);
  EXPECT_EQ(server.credentials_issued(), 0);
  store->check();
  const std::string long_content(static_cast<std::size_t>(min_part_bytes) * 2 + 500, 'x');
  put(*store, "a.png", long_content);
  EXPECT_TRUE(get(*store, "a.png") == long_content);
  EXPECT_EQ(store->stat("a.png")->size_bytes, std::ssize(long_content));
  EXPECT_EQ(store->list("", "", 10).objects.size(), 1);
  const Link link = store->sign_get("a.png", {std::chrono::hours(9), {}, {}});
  EXPECT_LE(link.expires, system_now() + std::chrono::hours(1));
  EXPECT_GT(link.expires, system_now() + std::chrono::minutes(59));
  const ServerFolder folder;
  const std::string file = folder.path() / "answer";
  EXPECT_EQ(std::system(("curl -sS -o '" + file + "' '" + link.url + "'").c_str()), 0);
  EXPECT_TRUE(read_file(file) == long_content);
  EXPECT_EQ(server.credentials_issued(), 1);
  store->remove("a.png");
  EXPECT_FALSE(store->stat("a.png"));
}

TEST_P(S3TemporaryCredentials, AreRenewedBeforeTheyExpire) {
  TimePoint now = system_now();
  const auto store = open_object_store(server.url(), {[&] { return now; }, {}, {}});
  put(*store, "a.png");
  now += std::chrono::minutes(55);
  put(*store, "b.png");
  EXPECT_EQ(server.credentials_issued(), 1);
  server.set_identities("life_s=9000");
  now += std::chrono::seconds(90);
  put(*store, "c.png");
  put(*store, "d.png");
  EXPECT_EQ(server.credentials_issued(), 2);
}

TEST_P(S3TemporaryCredentials, AreReplacedWhenTheStoreRejectsThem) {
  const auto store = open_object_store(server.url(), {});
  put(*store, "a.png");
  int given = 1;
  const auto expect_goes_on = [&](const std::function<void()>& work) {
    server.expire_session();
    work();
    EXPECT_EQ(server.credentials_issued(), ++given);
  };
  expect_goes_on([&] { put(*store, "b.png"); });
  expect_goes_on([&] { EXPECT_EQ(get(*store, "b.png"), "content"); });
  expect_goes_on([&] { EXPECT_TRUE(store->stat("a.png")); });
  expect_goes_on([&] { EXPECT_EQ(store->list("", "", 10).objects.size(), 2); });
  expect_goes_on([&] { store->remove("a.png"); });
  expect_goes_on([&] { store->check(); });
}

TEST_P(S3TemporaryCredentials, AreUsedWhileValidIfTheProviderIsUnavailable) {
  TimePoint now = system_now();
  const auto store = open_object_store(server.url(), {[&] { return now; }, {}, {}});
  put(*store, "a.png");
  server.set_identities("fault=500");
  now += std::chrono::minutes(58);
  EXPECT_EQ(get(*store, "a.png"), "content");
  // The server counts from the time of its response, which may be seconds after `now`.
  now += std::chrono::minutes(5);
  const std::string sentence = refusal([&] { get(*store, "a.png"); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find("500"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("http://127.0.0.1:"), std::string::npos) << sentence;
  server.set_identities("fault=0");
  EXPECT_EQ(get(*store, "a.png"), "content");
}

TEST(S3CredentialsChain, TestServerIsUnderstoodByBoto3) {
  // Debian 12's version requests web identities only at Amazon's own address.
  for (const S3Identity identity : {S3Identity::machine, S3Identity::container}) {
    const S3Server server(S3Kind::strict, {.identity = identity});
    put(*open_object_store(server.url(), {}), "a.png");
    EXPECT_EQ(by_boto(server, "a.png"), "content");
    EXPECT_EQ(server.credentials_issued(), 2);
  }
}

TEST(S3CredentialsChain, ErrorsSayWhyThereAreNoCredentials) {
  const auto said = [](S3Identity identity, const char* variable, const std::string& value, ErrorCode code) {
    const S3Server server(S3Kind::strict, {.identity = identity});
    setenv(variable, value.c_str(), 1);
    return refusal([&] { open_object_store(server.url(), {})->check(); }, code);
  };
  const auto expect_has = [](const std::string& sentence, const std::string& part) {
    EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
  };
  expect_has(said(S3Identity::container, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong", ErrorCode::forbidden),
             "called for the container's role, provides no credentials: status 401: No such container.");
  expect_has(
      said(S3Identity::web_identity, "AWS_ROLE_ARN", "arn:of:another", ErrorCode::forbidden),
      "called for the role 'arn:of:another', provides no credentials: status 400: Of another kind: RoleArn.");
  expect_has(
      said(S3Identity::web_identity, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token", ErrorCode::forbidden),
      "Cannot read '/nowhere/token'");
  const std::string unused_endpoint = "http://127.0.0.1:" + std::to_string(testing::free_port());
  const std::string sentence =
      said(S3Identity::machine, "AWS_EC2_METADATA_SERVICE_ENDPOINT", unused_endpoint, ErrorCode::unavailable);
  expect_has(sentence, "There are no credentials for S3");
  expect_has(sentence, unused_endpoint);
  expect_has(sentence, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  expect_has(said(S3Identity::machine, "AWS_EC2_METADATA_DISABLED", "true", ErrorCode::usage),
             "There are no credentials for S3: set AWS_ACCESS_KEY_ID");
  expect_has(said(S3Identity::machine, "AWS_ACCESS_KEY_ID", "key", ErrorCode::usage),
             "AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY");
  expect_has(said(S3Identity::machine, "AWS_PROFILE", "work", ErrorCode::usage),
             "credentials' provides no credentials for S3");
}

TEST(S3CredentialsChain, ContainerTokenMayBeInAFile) {
  const S3Server server(S3Kind::strict, {.identity = S3Identity::container});
  const ServerFolder folder;
  const auto file = folder.path() / "token";
  unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.c_str(), 1);
  std::ofstream(file) << "an old one";
  const auto store = open_object_store(server.url(), {});
  EXPECT_EQ(code_of([&] { store->check(); }), ErrorCode::forbidden);
  std::ofstream(file) << S3Server::container_token << "\n";
  store->check();
}

TEST(S3CredentialsChain, ProfileIsReadAgainWhenTheFileChanges) {
  const S3Server server(S3Kind::strict, {.session = true});
  const ServerFolder folder;
  const auto file = folder.path() / "credentials";
  const auto write = [&](const std::string& token) {
    std::ofstream(file) << "[default]\naws_access_key_id = other\naws_secret_access_key = other\n\n[work]\n"
                        << "aws_access_key_id = " << S3Server::access_key
                        << "\naws_secret_access_key = " << S3Server::secret_key
                        << "\naws_session_token = " << token << "\n";
  };
  unsetenv("AWS_ACCESS_KEY_ID");
  unsetenv("AWS_SECRET_ACCESS_KEY");
  unsetenv("AWS_SESSION_TOKEN");
  setenv("AWS_SHARED_CREDENTIALS_FILE", file.c_str(), 1);
  setenv("AWS_PROFILE", "work", 1);
  write("of-last-week");
  const auto store = open_object_store(server.url(), {});
  EXPECT_EQ(code_of([&] { store->check(); }), ErrorCode::forbidden);
  write(S3Server::session_token);
  store->check();
  setenv("AWS_PROFILE", "play", 1);
  EXPECT_NE(refusal([&] { static_cast<void>(parse_s3_url("s3://bucket")); }, ErrorCode::usage)
                .find("has no profile 'play'"),
            std::string::npos);
  unsetenv("AWS_PROFILE");
  EXPECT_EQ(parse_s3_url("s3://bucket").credentials->get().value.access_key, "other");
}

TEST(S3CredentialsChain, RegionOfTheUrlOverridesTheEnvironment) {
  const S3Server server;
  EXPECT_EQ(parse_s3_url("s3://bucket").location.endpoint, "https://s3.us-east-1.amazonaws.com");
  setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
  EXPECT_EQ(parse_s3_url("s3://bucket").location.endpoint, "https://s3.eu-west-1.amazonaws.com");
  setenv("AWS_REGION", "eu-central-1", 1);
  EXPECT_EQ(parse_s3_url("s3://bucket").location.endpoint, "https://s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(parse_s3_url("s3://bucket?region=us-west-2").region, "us-west-2");
  unsetenv("AWS_DEFAULT_REGION");
  unsetenv("AWS_REGION");
}

}  // namespace
}  // namespace tessera
