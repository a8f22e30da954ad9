// SPDX-License-Identifier: Apache-2.0
// Any text as a query, as a header's value and as a Range; and as the query of a signed link, which only one
// that was signed here passes.
#include <cstdint>
#include <cstdlib>

#include "base/error.hpp"
#include "http/text.hpp"
#include "net/signed_link.hpp"

namespace {

using namespace tessera;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

LinkSigner::Query link_query(const http::Pairs& pairs) {
  LinkSigner::Query query;
  for (const auto& [name, value] : pairs) {
    if (name == LinkSigner::expires_field) {
      query.expires = value;
    } else if (name == LinkSigner::content_type_field) {
      query.content_type = value;
    } else if (name == LinkSigner::file_name_field) {
      query.file_name = value;
    } else if (name == LinkSigner::signature_field) {
      query.signature = value;
    }
  }
  return query;
}

bool passes(const LinkSigner& signer, const std::string& name, const LinkSigner::Query& query) {
  try {
    signer.verify("GET", name, query, TimePoint{});
    return true;
  } catch (const Error& error) {
    check(error.code() == ErrorCode::forbidden || error.code() == ErrorCode::usage);
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(http::media_type(text));
  static_cast<void>(http::header_parameter(text, "boundary"));
  static_cast<void>(http::header_parameter(text, "filename"));
  for (const std::int64_t body_bytes : {0, 1, 1000}) {
    const http::RangeAnswer answer = http::parse_range(text, body_bytes);
    if (const auto* span = std::get_if<http::Span>(&answer)) {
      check(span->first >= 0 && span->first <= span->last && span->last < body_bytes);
    }
  }
  static const LinkSigner signer("http://localhost", "a secret of enough bytes");
  if (const auto pairs = http::parse_query(text)) {
    check(!passes(signer, "objects/photo.png", link_query(*pairs)));
  }
  // One that is signed for this text passes, and is good for nothing else.
  LinkOptions options;
  options.file_name = text;
  const std::string url = signer.sign("GET", "a/b", options, TimePoint{}).url;
  const auto pairs = http::parse_query(std::string_view(url).substr(url.find('?') + 1));
  check(pairs.has_value() || text.find('\0') != std::string_view::npos);
  if (pairs) {
    check(passes(signer, "a/b", link_query(*pairs)));
    check(!passes(signer, "a/c", link_query(*pairs)));
  }
  return 0;
}
