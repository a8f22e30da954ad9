// SPDX-License-Identifier: Apache-2.0
// The store under faults, links used by other clients, credentials, URLs.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "adapters/gcs/access_token.hpp"
#include "adapters/gcs/object_store.hpp"
#include "adapters/open.hpp"
#include "base/error.hpp"
#include "net/http_client.hpp"
#include "ports/job.hpp"
#include "servers/gcs_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::GcsAccess;
using testing::GcsServer;
using testing::refusal;

constexpr std::size_t unit = 256 << 10;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  }
  return text;
}

class GcsFaults : public ::testing::Test {
 protected:
  GcsServer server;
  std::unique_ptr<ObjectStore> store = open();

  /// With chunks of 512 KiB, so that small bodies have several.
  std::unique_ptr<ObjectStore> open() const {
    GcsOptions options = parse_gcs_url(server.url());
    options.upload.chunk_bytes = 2 * unit;
    options.upload.first_backoff = std::chrono::milliseconds(1);
    return open_gcs_object_store(std::move(options));
  }
  void put(const std::string& name, const std::string& text) {
    const auto body = memory_source(text);
    store->put(name, *body, "text/plain");
  }
  std::string get(const std::string& name, const std::optional<ByteRange>& range = {}) {
    StringSink sink;
    store->get(name, sink, range);
    return sink.text;
  }
};

TEST_F(GcsFaults, TransientFailuresAreRetried) {
  put("a", "one");
  server.fail(R"([{"on": "get", "do": "status", "status": 503, "times": 2},
                  {"on": "get", "do": "status", "status": 429, "retry_after": 0},
                  {"on": "get", "do": "cut"}])");
  EXPECT_EQ(get("a"), "one");
  EXPECT_EQ(server.count("get", 503), 2);
  EXPECT_EQ(server.count("get", 429), 1);
  server.fail(
      R"([{"on": "list", "do": "status", "status": 500}, {"on": "head", "do": "status", "status": 408}])");
  EXPECT_EQ(store->list("", "", 10).objects.size(), 1U);
  EXPECT_TRUE(store->stat("a"));
}

TEST_F(GcsFaults, PermanentFailuresAreReported) {
  server.fail(R"([{"on": "head", "do": "status", "status": 503, "times": 100}])");
  EXPECT_EQ(code_of([&] { static_cast<void>(store->stat("a")); }), ErrorCode::unavailable);
  EXPECT_EQ(server.count("head", 503), 5);
  server.fail(R"([{"on": "start", "do": "status", "status": 403,
                   "body": "<Error><Message>Access denied.</Message><Details>No storage.objects.create.</Details></Error>"}])");
  EXPECT_EQ(refusal([&] { put("a", "x"); }, ErrorCode::forbidden),
            "The store 'pictures' answers status 403 for 'a': Access denied. No storage.objects.create.");
}

TEST_F(GcsFaults, ABrokenDownloadIsResumed) {
  const std::string text = pattern(3 * unit);
  put("a", text);
  server.fail(R"([{"on": "get", "do": "cut-download", "bytes": 300000, "times": 2}])");
  EXPECT_EQ(get("a"), text);
  EXPECT_EQ(server.count("get", 206), 2) << server.log();

  server.fail(R"([{"on": "get", "do": "cut-download", "bytes": 1000}])");
  StringSink sink;
  const ObjectInfo info = store->get("a", sink, ByteRange{100, 99'999});
  EXPECT_EQ(sink.text, text.substr(100, 99'900));
  EXPECT_EQ(info.size_bytes, static_cast<std::int64_t>(text.size()));
}

TEST_F(GcsFaults, ADownloadNeverMixesTwoVersions) {
  put("a", pattern(2 * unit));
  server.fail(R"([{"on": "get", "do": "cut-download", "bytes": 1000, "replace": true}])");
  EXPECT_EQ(refusal([&] { get("a"); }, ErrorCode::unavailable),
            "'a' was replaced while it was being read: read it again.");
}

TEST_F(GcsFaults, ADownloadWithoutProgressIsGivenUp) {
  put("a", pattern(2 * unit));
  server.fail(R"([{"on": "get", "do": "cut-download", "bytes": 1000, "times": 100}])");
  EXPECT_EQ(code_of([&] { get("a"); }), ErrorCode::unavailable);
  EXPECT_EQ(server.count("get"), 6);
}

TEST_F(GcsFaults, ASinkThatFailsIsNotTheStoresFault) {
  class FullSink final : public ByteSink {
   public:
    void write(std::span<const std::byte>) override {
      throw Error(ErrorCode::unavailable, "The sink is full.");
    }
  };
  put("a", "text");
  FullSink sink;
  EXPECT_EQ(refusal([&] { store->get("a", sink); }, ErrorCode::unavailable), "The sink is full.");
  EXPECT_EQ(server.count("get"), 1);
}

TEST_F(GcsFaults, AnUploadResumesAtTheCommittedOffset) {
  const std::string text = pattern(5 * unit + 77);
  // Of the first chunk one unit arrives before the connection breaks; of the second the store takes one.
  server.fail(R"([{"on": "chunk", "do": "cut-upload", "bytes": 300000},
                  {"on": "chunk", "do": "take-part", "bytes": 262144},
                  {"on": "status", "do": "status", "status": 503}])");
  put("a", text);
  EXPECT_EQ(get("a"), text);
  const Json log = Json::parse(server.log());
  std::vector<std::string> ranges;
  for (const Json& entry : log) {
    if (entry["on"] == "chunk" || entry["on"] == "status") {
      ranges.push_back(entry["content_range"].get<std::string>() + " " + entry["status"].dump());
    }
  }
  // The first chunk is not in the log, as it was not answered.
  EXPECT_EQ(ranges,
            (std::vector<std::string>{"bytes */* 503", "bytes */* 308", "bytes 262144-786431/* 308",
                                      "bytes 524288-1048575/* 308", "bytes 1048576-1310796/1310797 200"}));
}

TEST_F(GcsFaults, AChunkThatWasStoredWithoutAnAnswerIsNotSentAgain) {
  put("a", "old");
  server.fail(R"([{"on": "chunk", "do": "cut-after"}])");
  put("a", "new");
  EXPECT_EQ(get("a"), "new");
  EXPECT_EQ(server.count("status", 200), 1) << server.log();
  EXPECT_EQ(server.count("chunk"), 1);  // that of "old"
}

TEST_F(GcsFaults, AnUploadIsRetriedAfterTransientFailures) {
  const std::string text = pattern(3 * unit);
  server.fail(R"([{"on": "start", "do": "status", "status": 503}, {"on": "start", "do": "cut"},
                  {"on": "chunk", "do": "status", "status": 503, "times": 3},
                  {"on": "chunk", "do": "status", "status": 429, "retry_after": 0}])");
  put("a", text);
  EXPECT_EQ(get("a"), text);
}

TEST_F(GcsFaults, ALostSessionIsReplacedWhileNoDataWasAccepted) {
  server.fail(R"([{"on": "chunk", "do": "lose-session"}])");
  put("a", "short");
  EXPECT_EQ(get("a"), "short");
  EXPECT_EQ(server.count("start", 201), 2);
  server.fail(
      R"([{"on": "chunk", "do": "take-part", "bytes": 262144}, {"on": "chunk", "do": "lose-session", "skip": 1}])");
  EXPECT_EQ(code_of([&] { put("b", pattern(5 * unit)); }), ErrorCode::unavailable);
  EXPECT_FALSE(store->stat("b"));
}

TEST_F(GcsFaults, AnUploadWithoutProgressIsCancelled) {
  server.fail(R"([{"on": "chunk", "do": "status", "status": 503, "times": 100}])");
  const std::string sentence = refusal([&] { put("a", "text"); }, ErrorCode::unavailable);
  EXPECT_EQ(sentence,
            "The upload of 'a' made no progress after byte 0 and was given up after 5 attempts. Its last "
            "answer was "
            "status 503.");
  EXPECT_EQ(server.count("withdraw", 499), 1);
  EXPECT_FALSE(store->stat("a"));
}

TEST_F(GcsFaults, ARepeatedRemovalNeverRemovesANewerObject) {
  put("a", "old");
  server.fail(R"([{"on": "delete", "do": "replace-and-status"}])");
  store->remove("a");
  EXPECT_EQ(get("a"), "newer");
  server.fail(R"([{"on": "delete", "do": "cut-after"}])");
  store->remove("a");
  EXPECT_FALSE(store->stat("a"));
}

TEST_F(GcsFaults, AnEmptyPageIsNotTheEnd) {
  put("a", "1");
  put("b", "2");
  server.fail(R"([{"on": "list", "do": "empty-page"}])");
  EXPECT_EQ(store->list("", "", 10).objects.size(), 2U);
}

TEST_F(GcsFaults, TokensAreCachedAndRenewed) {
  put("a", "text");
  get("a");
  EXPECT_EQ(server.count("token", 200), 1);
  server.expire_tokens();
  EXPECT_EQ(get("a"), "text");
  EXPECT_EQ(server.count("get", 401), 1);
  EXPECT_EQ(server.count("token", 200), 2);
  server.expire_tokens();
  put("b", "text");
  server.fail(
      R"([{"on": "token", "do": "status", "status": 503, "times": 2}, {"on": "token", "do": "cut"}])");
  server.expire_tokens();
  EXPECT_EQ(get("b"), "text");
}

TEST_F(GcsFaults, ARefusedKeyIsSaid) {
  server.fail(R"([{"on": "token", "do": "status", "status": 400,
                   "body": "{\"error\": \"invalid_grant\", \"error_description\": \"Invalid JWT Signature.\"}"}])");
  EXPECT_EQ(refusal([&] { store->check(); }, ErrorCode::forbidden),
            "'" + server.endpoint() + "/token', called for '" + GcsServer::email +
                "', provides no access token: status 400, invalid_grant, Invalid JWT Signature.");
}

class GcsLinks : public ::testing::TestWithParam<GcsAccess> {};
INSTANTIATE_TEST_SUITE_P(Access, GcsLinks,
                         ::testing::Values(GcsAccess::key_file, GcsAccess::hmac, GcsAccess::machine));

int curl(const std::string& arguments) {
  return std::system(("curl -sf " + arguments + " >/dev/null").c_str());
}

TEST_P(GcsLinks, ServeClientsThatAreNotOurs) {
  const GcsServer server(GetParam());
  const testing::ServerFolder folder;
  const auto store = open_object_store(server.url(), {});
  const auto body = memory_source("picture");
  store->put("a b/ü.png", *body, "image/png");

  LinkOptions options;
  options.file_name = "mein bild.png";
  options.content_type = "image/x-other";
  const auto quoted = [](const std::string& text) { return "'" + text + "'"; };
  const std::string headers = folder.path() / "headers";
  const std::string link = store->sign_get("a b/ü.png", options).url;
  ASSERT_EQ(curl("-D " + quoted(headers) + " -o " + quoted(folder.path() / "got") + " " + quoted(link)), 0);
  EXPECT_EQ(testing::read_file(folder.path() / "got"), "picture");
  EXPECT_NE(testing::read_file(headers).find("mein%20bild.png"), std::string::npos);
  EXPECT_NE(testing::read_file(headers).find("Content-Type: image/x-other"), std::string::npos);
  EXPECT_NE(curl(quoted(link + "0")), 0);
  EXPECT_NE(curl("-X DELETE " + quoted(link)), 0);

  std::ofstream(folder.path() / "new") << "written by curl";
  LinkOptions typed;
  typed.content_type = "image/webp";
  const std::string upload =
      "-T " + quoted(folder.path() / "new") + " " + quoted(store->sign_put("by-curl", typed).url);
  EXPECT_NE(curl("-H 'Content-Type: text/html' " + upload), 0);
  EXPECT_EQ(curl("-H 'Content-Type: image/webp' " + upload), 0);
  StringSink sink;
  EXPECT_EQ(store->get("by-curl", sink).content_type, "image/webp");
  EXPECT_EQ(sink.text, "written by curl");
}

TEST_P(GcsLinks, LiveNoLongerThanWhatSignsThem) {
  const GcsServer server(GetParam());
  const auto store = open_object_store(server.url(), {});
  LinkOptions options;
  options.lifetime = std::chrono::hours(1000);
  const TimePoint expires = store->sign_get("a", options).expires;
  const auto life = expires - system_now();
  const std::chrono::hours longest(GetParam() == GcsAccess::machine ? 12 : 7 * 24);
  EXPECT_LE(life, longest);
  EXPECT_GT(life, longest - std::chrono::minutes(5));
}

TEST(GcsLinksExpire, WhenTheySay) {
  const GcsServer server(GcsAccess::hmac);
  const auto yesterday =
      open_object_store(server.url(), {[] { return system_now() - std::chrono::hours(24); }, {}, {}});
  HttpRequest request;
  request.url = yesterday->sign_get("a", {}).url;
  const HttpResponse response = HttpClient().send(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("ExpiredToken"), std::string::npos);
}

TEST(GcsMachine, AsksTheMetadataServerAndIam) {
  const GcsServer server(GcsAccess::machine);
  const auto store = open_object_store(server.url(), {});
  server.fail(
      R"([{"on": "metadata", "do": "status", "status": 503}, {"on": "signblob", "do": "status", "status": 503}])");
  store->check();
  EXPECT_EQ(server.count("metadata", 200), 1);
  static_cast<void>(store->sign_get("a", {}));
  static_cast<void>(store->sign_get("b", {}));
  EXPECT_EQ(server.count("metadata", 200), 2);  // and the name of the account, once
  EXPECT_EQ(server.count("signblob", 200), 2);
  server.expire_tokens();
  static_cast<void>(store->sign_get("a", {}));
  EXPECT_EQ(server.count("signblob", 401), 1);
  server.fail(R"([{"on": "signblob", "do": "status", "status": 403,
                   "body": "{\"error\": {\"message\": \"Permission denied.\"}}"}])");
  const std::string sentence =
      refusal([&] { static_cast<void>(store->sign_get("a", {})); }, ErrorCode::forbidden);
  EXPECT_NE(sentence.find("Permission denied"), std::string::npos);
  EXPECT_NE(sentence.find("Service Account Token Creator"), std::string::npos);
}

TEST(GcsMachine, SaysWhenThereAreNoCredentials) {
  const GcsServer server(GcsAccess::machine);
  const std::string host = "127.0.0.1:" + std::to_string(testing::free_port());
  setenv("GCE_METADATA_HOST", host.c_str(), 1);
  const auto store = open_object_store(server.url(), {});
  const std::string sentence = refusal([&] { store->check(); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find("GOOGLE_APPLICATION_CREDENTIALS"), std::string::npos) << sentence;
}

TEST(GcsHmac, SaysWhenTheSecretIsWrong) {
  const GcsServer server(GcsAccess::hmac);
  setenv("GCS_HMAC_SECRET", "wrong", 1);
  EXPECT_EQ(code_of([&] { open_object_store(server.url(), {})->check(); }), ErrorCode::forbidden);
}

TEST(GcsTokens, AreRenewedBeforeTheyExpire) {
  TimePoint now{std::chrono::hours(1000)};
  int fetched = 0;
  auto tokens = gcs::token_cache(
      [&](TimePoint time) {
        ++fetched;
        return gcs::AccessToken{"token-" + std::to_string(fetched), time + std::chrono::hours(1)};
      },
      [&] { return now; });
  EXPECT_EQ(tokens.get().value, "token-1");
  now += std::chrono::minutes(56);
  EXPECT_EQ(tokens.get().value, "token-1");
  now += std::chrono::seconds(15);
  EXPECT_EQ(tokens.get().value, "token-2");
  tokens.invalidate("token-1");  // refused late, by one who had the old one
  EXPECT_EQ(tokens.get().value, "token-2");
  tokens.invalidate("token-2");
  EXPECT_EQ(tokens.get().value, "token-3");
}

TEST(GcsTokens, AboutToExpireAreUsedWhileNoNewOneIsAvailable) {
  TimePoint now{std::chrono::hours(1000)};
  const TimePoint end = now + std::chrono::hours(1);
  int asked = 0;
  auto tokens = gcs::token_cache(
      [&](TimePoint time) {
        if (++asked > 2) {
          throw Error(ErrorCode::unavailable, "It is away.");
        }
        return gcs::AccessToken{"token", asked == 1 ? end : std::min(end, time + std::chrono::hours(1))};
      },
      [&] { return now; });
  EXPECT_EQ(tokens.get().value, "token");
  now = end - std::chrono::minutes(3);
  for (int i = 0; i < 5; ++i) {  // the same token is returned again
    EXPECT_EQ(tokens.get().value, "token");
  }
  EXPECT_EQ(asked, 2);
  now += std::chrono::seconds(10);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(tokens.get().value, "token");
  }
  EXPECT_EQ(asked, 3);
  now = end;
  EXPECT_EQ(refusal([&] { tokens.get(); }, ErrorCode::unavailable), "It is away.");
}

TEST(Gcs, UnderstandsItsUrls) {
  const GcsServer server(GcsAccess::hmac);
  const GcsOptions google = parse_gcs_url("gs://my_bucket.example/a/b");
  EXPECT_EQ(google.location.endpoint, "https://storage.googleapis.com");
  EXPECT_EQ(google.location.bucket, "my_bucket.example");
  EXPECT_EQ(google.location.prefix, "a/b/");
  EXPECT_TRUE(google.location.path_style);
  EXPECT_EQ(parse_gcs_url("gs://b?endpoint=http://127.0.0.1:4443/").location.endpoint,
            "http://127.0.0.1:4443");
  EXPECT_NO_THROW(static_cast<void>(parse_gcs_url("gs://b?credentials=" + server.key_file().string())));
  for (const char* url :
       {"gs:", "gs://", "gs://b?endpoint=h", "gs://b?x=1", "gs://b?credentials=", "s3://b"}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(parse_gcs_url(url)); }), ErrorCode::usage) << url;
  }
  EXPECT_EQ(code_of([&] { static_cast<void>(parse_gcs_url("gs://b?credentials=/no/such.json")); }),
            ErrorCode::not_found);
  unsetenv("GCS_HMAC_SECRET");
  EXPECT_EQ(code_of([&] { static_cast<void>(parse_gcs_url("gs://b")); }), ErrorCode::usage);
}

}  // namespace
}  // namespace tessera
