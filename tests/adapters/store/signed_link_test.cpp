// SPDX-License-Identifier: Apache-2.0
// Links to objects of a local folder.
#include "net/signed_link.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "net/crypto.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::refusal;

const TimePoint noon{std::chrono::hours(12)};

/// The link's query as a server has it, after checking where it leads.
LinkSigner::Query query_of(const Link& link, const std::string& expected_path) {
  const std::size_t question = link.url.find('?');
  EXPECT_EQ(link.url.substr(0, question), expected_path);
  LinkSigner::Query query;
  for (std::size_t at = question + 1; at < link.url.size();) {
    const std::size_t end = std::min(link.url.find('&', at), link.url.size());
    const std::string pair = link.url.substr(at, end - at);
    const std::string field = pair.substr(0, pair.find('='));
    const std::string value = percent_decode(pair.substr(pair.find('=') + 1)).value();
    (field == LinkSigner::expires_field        ? query.expires
     : field == LinkSigner::content_type_field ? query.content_type
     : field == LinkSigner::file_name_field    ? query.file_name
                                               : query.signature) = value;
    at = end + 1;
  }
  return query;
}

TEST(SignedLink, AllowsWhatItWasMadeForUntilItExpires) {
  const LinkSigner signer("http://host:1/base/", "0123456789abcdef");
  const Link link =
      signer.sign("GET", "a b/ü.png", {std::chrono::seconds(60), "image/png", "mein \"b\".png"}, noon);
  const auto query = query_of(link, "http://host:1/base/objects/a%20b/%C3%BC.png");
  EXPECT_EQ(query.file_name, "mein \"b\".png");
  EXPECT_EQ(query.content_type, "image/png");
  EXPECT_EQ(link.expires, noon + std::chrono::seconds(60));
  EXPECT_NO_THROW(signer.verify("GET", "a b/ü.png", query, noon));
  EXPECT_NO_THROW(signer.verify("HEAD", "a b/ü.png", query, noon + std::chrono::seconds(59)));
  EXPECT_NE(refusal([&] { signer.verify("GET", "a b/ü.png", query, noon + std::chrono::seconds(70)); },
                    ErrorCode::forbidden)
                .find("expired 10 s ago"),
            std::string::npos);
}

TEST(SignedLink, AllowsNothingElse) {
  const LinkSigner signer("http://host", "0123456789abcdef");
  const auto query = query_of(signer.sign("PUT", "a", {}, noon), "http://host/objects/a");
  EXPECT_NO_THROW(signer.verify("PUT", "a", query, noon));
  EXPECT_NE(refusal([&] { signer.verify("GET", "a", query, noon); }, ErrorCode::forbidden), "");
  EXPECT_NE(refusal([&] { signer.verify("PUT", "b", query, noon); }, ErrorCode::forbidden), "");
  EXPECT_NE(refusal([&] { LinkSigner("http://host", "another secret..").verify("PUT", "a", query, noon); },
                    ErrorCode::forbidden),
            "");
  auto later = query;
  later.expires += "0";
  EXPECT_NE(refusal([&] { signer.verify("PUT", "a", later, noon); }, ErrorCode::forbidden), "");
  auto renamed = query;
  renamed.file_name = "x";
  EXPECT_NE(refusal([&] { signer.verify("PUT", "a", renamed, noon); }, ErrorCode::forbidden), "");
  auto typed = query;
  typed.content_type = "text/html";
  EXPECT_NE(refusal([&] { signer.verify("PUT", "a", typed, noon); }, ErrorCode::forbidden), "");
  EXPECT_NE(refusal([&] { signer.verify("PUT", "a", {}, noon); }, ErrorCode::forbidden), "");
}

TEST(SignedLink, NeverLivesLongerThanAWeek) {
  const LinkSigner signer("http://host", "0123456789abcdef");
  EXPECT_EQ(signer.sign("GET", "a", {std::chrono::hours(1000), {}, {}}, noon).expires,
            noon + std::chrono::hours(168));
}

TEST(SignedLink, WantsASecret) { EXPECT_THROW(LinkSigner("http://host", "short"), Error); }

TEST(Crypto, KnowsThePublishedExamples) {
  // FIPS 180-4 "abc"; RFC 4231 test case 2; RFC 3986.
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(percent_encode("a/b c~ü", "/"), "a/b%20c~%C3%BC");
  EXPECT_EQ(percent_decode("a%2Fb+c%c3%bc"), "a/b+cü");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  for (const char* broken : {"%", "%2", "%zz", "%00", "a%f"}) {
    EXPECT_FALSE(percent_decode(broken)) << broken;
  }
}

}  // namespace
}  // namespace tessera
