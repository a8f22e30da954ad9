// SPDX-License-Identifier: Apache-2.0
#include "service/web_page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "base/text.hpp"
#include "http/text.hpp"

namespace tessera::service {
namespace {

constexpr const char* without_page =
    "Tessera's gateway is running. This build has no web page; its HTTP interface is described at "
    "/openapi.json.\n";

std::string inflated(std::string_view gzip) {
  z_stream stream{};
  constexpr int any_gzip = 16 + MAX_WBITS;
  if (inflateInit2(&stream, any_gzip) != Z_OK) {
    throw std::bad_alloc();
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string content;
  std::array<char, 16384> piece{};
  int outcome = Z_OK;
  while (outcome == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    outcome = inflate(&stream, Z_NO_FLUSH);
    content.append(piece.data(), piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (outcome != Z_STREAM_END) {
    throw std::logic_error("an embedded file is damaged");
  }
  return content;
}

/// No scripts and styles but the page's own files, no markup from strings, no frames. Pictures are the user's
/// own files (blob:) and results.
std::string content_security_policy(const std::vector<std::string>& origins) {
  std::string others;
  for (const std::string& origin : origins) {
    others += ' ' + origin;
  }
  return fmt::format(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:{0}; connect-src "
      "'self'{0}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
      "'script'; trusted-types 'none'",
      others);
}

http::Response asset_response(const http::Request& request, const WebAsset& asset, const std::string& plain) {
  const bool compressed = accepts_gzip(request.header("Accept-Encoding"));
  // A strong tag stands for the bytes as sent.
  const std::string etag = fmt::format("\"{}{}\"", asset.hash, compressed ? "-gzip" : "");
  const bool known = matches_etag(request.header("If-None-Match"), etag);
  http::Response response = known ? http::Response{304, {}, std::string()}
                                  : http::text_response(200, compressed ? std::string(asset.gzip) : plain,
                                                        std::string(asset.content_type));
  if (compressed && !known) {
    response.with("Content-Encoding", "gzip");
  }
  return std::move(response)
      .with("ETag", etag)
      .with("Vary", "Accept-Encoding")
      .with("Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache")
      .with("Cross-Origin-Resource-Policy", "same-origin");
}

http::Response page_response(http::Response response, const std::vector<std::string>& origins) {
  return std::move(response)
      .with("Content-Security-Policy", content_security_policy(origins))
      .with("Referrer-Policy", "no-referrer")
      .with("Cross-Origin-Opener-Policy", "same-origin")
      .with("X-Frame-Options", "DENY")
      .with("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
}

}  // namespace

bool accepts_gzip(std::string_view header) {
  bool accepted = false;
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    const std::string entry(trim(header.substr(0, comma)));
    header.remove_prefix(std::min(comma + 1, header.size()));
    const std::string coding = ascii_lowered(
        std::string(trim(std::string_view(entry).substr(0, std::min(entry.find(';'), entry.size())))));
    if (coding == "gzip" || coding == "*") {
      const std::string weight = http::header_parameter(entry, "q");
      accepted = weight.empty() || std::atof(weight.c_str()) > 0;
      if (coding == "gzip") {
        return accepted;
      }
    }
  }
  return accepted;
}

bool matches_etag(std::string_view header, std::string_view etag) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view entry = trim(header.substr(0, comma));
    header.remove_prefix(std::min(comma + 1, header.size()));
    if (entry.starts_with("W/")) {
      entry.remove_prefix(2);
    }
    if (entry == etag || entry == "*") {
      return true;
    }
  }
  return false;
}

void mount_web_page(http::Router& router, std::span<const WebAsset> assets,
                    std::function<std::vector<std::string>()> origins) {
  if (assets.empty()) {
    router.add(
        "GET", "/", {},
        [](http::Request&) { return http::text_response(200, without_page, "text/plain; charset=utf-8"); },
        {}, http::Lane::immediate);
    return;
  }
  const auto other_origins =
      std::make_shared<const std::function<std::vector<std::string>()>>(std::move(origins));
  for (const WebAsset& asset : assets) {
    const auto plain = std::make_shared<const std::string>(inflated(asset.gzip));
    if (asset.immutable) {
      router.add(
          "GET", std::string(asset.path), {},
          [asset, plain](http::Request& request) { return asset_response(request, asset, *plain); }, {},
          http::Lane::immediate);
    } else {
      router.add("GET", std::string(asset.path), {}, [asset, plain, other_origins](http::Request& request) {
        return page_response(asset_response(request, asset, *plain), (*other_origins)());
      });
    }
  }
}

}  // namespace tessera::service
