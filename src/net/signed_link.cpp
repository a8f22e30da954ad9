// SPDX-License-Identifier: Apache-2.0
#include "net/signed_link.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"
#include "net/crypto.hpp"

namespace tessera {
namespace {

constexpr std::size_t min_secret_bytes = 16;

}  // namespace

LinkSigner::LinkSigner(std::string public_url, std::string secret)
    : public_url_(std::move(public_url)), secret_(std::move(secret)) {
  if (secret_.size() < min_secret_bytes) {
    throw Error(ErrorCode::usage,
                fmt::format("The secret that signs links has {} bytes; give it at least {}.", secret_.size(),
                            min_secret_bytes));
  }
  while (public_url_.ends_with('/')) {
    public_url_.pop_back();
  }
}

std::string LinkSigner::signature(const std::string& method, const std::string& name,
                                  const Query& query) const {
  // Each field is prefixed with its length, so that different fields cannot give the same text.
  std::string text = "tessera-link-1";
  for (const std::string& field : {method, name, query.expires, query.content_type, query.file_name}) {
    text += fmt::format("\n{}:{}", field.size(), field);
  }
  if (!query.part.empty()) {
    text += fmt::format("\npart {}:{}", query.part.size(), query.part);
  }
  return to_hex(hmac_sha256(secret_, text));
}

Link LinkSigner::sign(const std::string& method, const std::string& name, const LinkOptions& options,
                      TimePoint now) const {
  return sign(method, name, options, {}, now);
}

Link LinkSigner::sign_part(const std::string& name, const Part& part, const LinkOptions& options,
                           TimePoint now) const {
  return sign("PUT", name, options, fmt::format("{}.{}.{}", part.number, part.size_bytes, part.upload), now);
}

std::optional<LinkSigner::Part> LinkSigner::part_of(const Query& query) {
  if (query.part.empty()) {
    return std::nullopt;
  }
  Part part;
  const char* const end = query.part.data() + query.part.size();
  const auto take = [&](const char* from, auto& number) {
    const auto [last, error] = std::from_chars(from, end, number);
    if (error != std::errc() || last == end || *last != '.') {
      throw Error(ErrorCode::usage, "The link names no part of an upload: request a new one.");
    }
    return last + 1;
  };
  part.upload.assign(take(take(query.part.data(), part.number), part.size_bytes), end);
  return part;
}

Link LinkSigner::sign(const std::string& method, const std::string& name, const LinkOptions& options,
                      const std::string& part, TimePoint now) const {
  check_object_name(name);
  // Rounded up to whole seconds: a link lives at least as long as requested.
  const auto expires =
      std::chrono::ceil<std::chrono::seconds>(now + std::min(options.lifetime, max_link_lifetime));
  Query query{std::to_string(expires.time_since_epoch().count()), options.content_type, options.file_name,
              part};
  query.signature = signature(method, name, query);
  std::string url = fmt::format("{}/objects/{}?{}={}", public_url_, percent_encode(name, "/"), expires_field,
                                query.expires);
  for (const auto& [field, value] :
       {std::pair(content_type_field, query.content_type), std::pair(file_name_field, query.file_name),
        std::pair(part_field, query.part)}) {
    if (!value.empty()) {
      url += fmt::format("&{}={}", field, percent_encode(value));
    }
  }
  url += fmt::format("&{}={}", signature_field, query.signature);
  return {std::move(url), expires};
}

void LinkSigner::verify(const std::string& method, const std::string& name, const Query& query,
                        TimePoint now) const {
  const std::string signed_method = method == "HEAD" ? "GET" : method;
  if (!equal_in_constant_time(signature(signed_method, name, query), query.signature)) {
    throw Error(
        ErrorCode::forbidden,
        fmt::format("This link does not allow {} of '{}': it was altered, or made for another request. "
                    "Request a new one.",
                    method, name));
  }
  std::int64_t expires = 0;
  std::from_chars(query.expires.data(), query.expires.data() + query.expires.size(), expires);
  const TimePoint end{std::chrono::seconds(expires)};
  if (now >= end) {
    throw Error(ErrorCode::forbidden,
                fmt::format("This link expired {} s ago: request a new one.",
                            std::chrono::floor<std::chrono::seconds>(now - end).count()));
  }
}

}  // namespace tessera
