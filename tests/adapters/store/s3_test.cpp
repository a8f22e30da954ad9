// SPDX-License-Identifier: Apache-2.0
// Signatures as the specification's examples have them, and the store beside clients that are not ours.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "adapters/open.hpp"
#include "adapters/s3/object_store.hpp"
#include "base/error.hpp"
#include "net/crypto.hpp"
#include "net/sigv4.hpp"
#include "ports/job.hpp"
#include "servers/s3_server.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using testing::read_file;

struct Example {
  sigv4::Request request;
  sigv4::Credentials credentials;
  sigv4::Scope scope;
  TimePoint time;
  std::chrono::seconds lifetime{};
};

/// Of a folder of the AWS test suite. The path is taken in its canonical form: how a service wants it encoded
/// and normalised differs, and S3 does neither twice.
Example example_of(const fs::path& folder) {
  Example example;
  const Json context = Json::parse(read_file(folder / "context.json"));
  example.credentials = {context["credentials"]["access_key_id"], context["credentials"]["secret_access_key"],
                         ""};
  example.scope = {context["region"], context["service"]};
  std::string time = context["timestamp"];
  example.time = time_from_iso8601(time.insert(time.size() - 1, ".000"));
  example.lifetime = std::chrono::seconds(context["expiration_in_seconds"].get<int>());
  std::istringstream canonical(read_file(folder / "header-canonical-request.txt"));
  std::string line;
  std::vector<std::string> lines;
  while (std::getline(canonical, line)) {
    lines.push_back(line);
  }
  example.request.method = lines.at(0);
  example.request.path = lines.at(1);
  example.request.payload_hash = lines.back();
  return example;
}

std::vector<fs::path> examples() {
  std::vector<fs::path> folders;
  for (const auto& entry :
       fs::directory_iterator(fs::path(TESSERA_CASES_DIR) / "vectors/sigv4/aws-c-auth/v4")) {
    folders.push_back(entry.path());
  }
  return folders;
}

TEST(SigV4, SignsAsThePublishedExamplesDo) {
  int count = 0;
  for (const fs::path& folder : examples()) {
    Example example = example_of(folder);
    // Headers and query as the canonical request has them; that they are sorted and joined is checked below.
    std::istringstream canonical(read_file(folder / "header-canonical-request.txt"));
    std::string line;
    std::getline(canonical, line);
    std::getline(canonical, line);
    std::getline(canonical, line);
    for (std::istringstream pairs(line); std::getline(pairs, line, '&');) {
      const auto decoded = [](const std::string& text) { return percent_decode(text).value(); };
      example.request.query.emplace_back(decoded(line.substr(0, line.find('='))),
                                         decoded(line.substr(line.find('=') + 1)));
    }
    while (std::getline(canonical, line) && !line.empty()) {
      example.request.headers.emplace_back(line.substr(0, line.find(':')), line.substr(line.find(':') + 1));
    }
    const std::string request = sigv4::canonical_request(example.request);
    EXPECT_EQ(request, read_file(folder / "header-canonical-request.txt")) << folder;
    EXPECT_EQ(sigv4::string_to_sign(request, example.scope, example.time),
              read_file(folder / "header-string-to-sign.txt"))
        << folder;
    EXPECT_EQ(sigv4::signature(example.request, example.credentials, example.scope, example.time),
              read_file(folder / "header-signature.txt"))
        << folder;
    ++count;
  }
  EXPECT_EQ(count, 38);
}

TEST(SigV4, SortsTrimsAndJoinsHeaders) {
  const sigv4::Fields headers{
      {"My-Header2", "  a   b  c "}, {"Host", "h"}, {"my-header1", "v4"}, {"My-Header1", "v1"}};
  const std::string request =
      sigv4::canonical_request({"GET", "/", {{"b", "2 "}, {"a", "ü"}, {"a", "1"}}, headers, "hash"});
  EXPECT_EQ(request,
            "GET\n/\na=%C3%BC&a=1&b=2%20\nhost:h\nmy-header1:v4,v1\nmy-header2:a b "
            "c\n\nhost;my-header1;my-header2\nhash");
}

TEST(SigV4, PresignsAsTheDocumentationDoes) {
  // Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", its example.
  const std::string query = sigv4::presign_query(
      {"GET", "/test.txt", {}, {{"host", "examplebucket.s3.amazonaws.com"}}, "UNSIGNED-PAYLOAD"},
      {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""}, {"us-east-1"},
      time_from_iso8601("2013-05-24T00:00:00.000Z"), std::chrono::hours(24));
  EXPECT_NE(query.find("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
            std::string::npos)
      << query;
}

struct S3Variant {
  const char* name;
  testing::S3Kind kind;
  testing::S3Access access;
};

class S3Clients : public ::testing::TestWithParam<S3Variant> {};
INSTANTIATE_TEST_SUITE_P(
    Servers, S3Clients,
    ::testing::Values(
        S3Variant{"S3rver", testing::S3Kind::s3rver, {}}, S3Variant{"Path", testing::S3Kind::strict, {}},
        S3Variant{"Virtual", testing::S3Kind::strict, {.virtual_hosted = true}},
        S3Variant{"Session", testing::S3Kind::strict, {.session = true}},
        S3Variant{"VirtualSession", testing::S3Kind::strict, {.virtual_hosted = true, .session = true}}),
    [](const auto& instance) { return std::string(instance.param.name); });

/// Reads what we stored and stores something, as Amazon's own library does it. It asks the system for the
/// addresses of names; curl and browsers know by themselves where localhost is.
std::string boto_script(const std::string& endpoint, const testing::S3Access& access) {
  return "import boto3, botocore.client, socket\n"
         "ask = socket.getaddrinfo\n"
         "socket.getaddrinfo = lambda host, *more, **options: ask(\n"
         "    '127.0.0.1' if host.endswith('.localhost') else host, *more, **options)\n"
         "s = boto3.client('s3', endpoint_url='" +
         endpoint + "', region_name='us-east-1', aws_access_key_id='" + testing::S3Server::access_key +
         "',\n    aws_secret_access_key='" + testing::S3Server::secret_key + "', aws_session_token=" +
         (access.session ? "'" + std::string(testing::S3Server::session_token) + "'" : "None") +
         ",\n    config=botocore.client.Config(s3={'addressing_style': '" +
         (access.virtual_hosted ? "virtual" : "path") +
         "'}))\n"
         "assert s.get_object(Bucket='pictures', Key='of mine/a b/ü.png')['Body'].read() == b'picture'\n"
         "s.put_object(Bucket='pictures', Key='of mine/by-boto', Body=b'from boto', ContentType='text/x')\n";
}

TEST_P(S3Clients, ReadAndWriteTheSameObjects) {
  const testing::S3Server server(GetParam().kind, GetParam().access);
  const testing::ServerFolder folder;
  const auto store = open_object_store(server.url(), {});
  const auto body = memory_source("picture");
  store->put("a b/ü.png", *body, "image/png");

  LinkOptions options;
  options.file_name = "mein bild.png";
  const std::string headers = folder.path() / "headers";
  const auto quoted = [](const std::string& text) { return "'" + text + "'"; };
  EXPECT_EQ(std::system(("curl -sSf -D " + quoted(headers) + " -o " + quoted(folder.path() / "got") + " " +
                         quoted(store->sign_get("a b/ü.png", options).url))
                            .c_str()),
            0);
  EXPECT_EQ(read_file(folder.path() / "got"), "picture");
  EXPECT_NE(read_file(headers).find("mein%20bild.png"), std::string::npos) << read_file(headers);
  std::ofstream(folder.path() / "new") << "written by curl";
  EXPECT_EQ(std::system(("curl -sSf -T " + quoted(folder.path() / "new") + " " +
                         quoted(store->sign_put("by-curl", {}).url) + " >/dev/null")
                            .c_str()),
            0);
  StringSink sink;
  store->get("by-curl", sink);
  EXPECT_EQ(sink.text, "written by curl");
  if (GetParam().kind == testing::S3Kind::strict) {
    const std::string tampered = store->sign_get("by-curl", {}).url + "0";
    EXPECT_NE(std::system(("curl -sSf -o /dev/null " + quoted(tampered) + " 2>/dev/null").c_str()), 0);
    const auto yesterday =
        open_object_store(server.url(), {[] { return system_now() - std::chrono::hours(24); }, {}, {}});
    const std::string expired = yesterday->sign_get("by-curl", {}).url;
    EXPECT_NE(std::system(("curl -sSf -o /dev/null " + quoted(expired) + " 2>/dev/null").c_str()), 0);
  }

  std::ofstream(folder.path() / "boto.py") << boto_script(server.endpoint(), GetParam().access);
  EXPECT_EQ(std::system(("python3 " + quoted(folder.path() / "boto.py")).c_str()), 0);
  StringSink from_boto;
  EXPECT_EQ(store->get("by-boto", from_boto).content_type, "text/x");
  EXPECT_EQ(from_boto.text, "from boto");
}

TEST(S3, ASmallObjectCostsARequestACall) {
  const testing::S3Server server;
  const auto store = open_object_store(server.url(), {});
  const auto body = memory_source("picture");
  store->put("a", *body, "image/png");
  EXPECT_TRUE(store->stat("a"));
  StringSink sink;
  store->get("a", sink);
  store->remove("a");
  std::vector<std::string> asked;
  std::set<int> connections;
  for (const auto& [what, connection] : server.requests()) {
    asked.push_back(what);
    connections.insert(connection);
  }
  EXPECT_EQ(asked, (std::vector<std::string>{"PUT of mine/a", "HEAD of mine/a", "GET of mine/a",
                                             "DELETE of mine/a"}));
  EXPECT_EQ(connections.size(), 1U);
}

TEST(S3, ASmallObjectUsesASmallBuffer) {
  const testing::S3Server server;
  const auto store = open_object_store(server.url(), {});
  class Watched final : public ByteSource {
   public:
    std::size_t read(std::span<std::byte> out) override {
      max_read_bytes = std::max(max_read_bytes, out.size());
      return std::exchange(ended, true) ? 0 : 1;
    }
    [[nodiscard]] std::optional<std::int64_t> size() const override { return 1; }
    std::size_t max_read_bytes = 0;
    bool ended = false;
  };
  Watched body;
  store->put("a", body, "image/png");
  EXPECT_LE(body.max_read_bytes, std::size_t{64} << 10);
}

TEST(S3, SaysWhenTheCredentialsAreWrong) {
  const testing::S3Server server;
  S3Options options = parse_s3_url(server.url());
  sigv4::Credentials credentials = options.credentials->get().value;
  credentials.secret_key = "wrong";
  options.credentials = s3::static_credentials({credentials, {}});
  try {
    open_s3_object_store(options)->check();
    ADD_FAILURE() << "wrong credentials were taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::forbidden) << error.what();
  }
}

TEST(S3, UnderstandsItsUrls) {
  setenv("AWS_ACCESS_KEY_ID", "key", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  const S3Options amazon = parse_s3_url("s3://bucket/a/b?region=eu-central-1");
  EXPECT_EQ(amazon.location.endpoint, "https://s3.eu-central-1.amazonaws.com");
  EXPECT_FALSE(amazon.location.path_style);
  EXPECT_EQ(amazon.location.prefix, "a/b/");
  EXPECT_TRUE(parse_s3_url("s3://bucket?endpoint=http://127.0.0.1:9000/").location.path_style);
  EXPECT_FALSE(parse_s3_url("s3://bucket?endpoint=http://h&style=virtual").location.path_style);
  for (const char* url :
       {"s3:", "s3://", "s3://b?endpoint=h", "s3://b?style=odd", "s3://b?x=1", "http://b"}) {
    EXPECT_THROW(static_cast<void>(parse_s3_url(url)), Error) << url;
  }
}

}  // namespace
}  // namespace tessera
