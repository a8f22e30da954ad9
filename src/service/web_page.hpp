// SPDX-License-Identifier: Apache-2.0
// The web page of the gateway: embedded files, served compressed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/router.hpp"

namespace tessera::service {

/// An embedded file. All members refer to static memory.
struct WebAsset {
  std::string_view path;          ///< of the URL: "/", "/assets/main-0123456789abcdef.js"
  std::string_view content_type;  ///< "text/html; charset=utf-8"
  std::string_view hash;          ///< of the content
  std::string_view gzip;          ///< the content, compressed
  bool immutable = false;         ///< the path changes with the content
};

/// The files of the page, from apps/web; empty if this build is without it.
[[nodiscard]] std::span<const WebAsset> web_assets();

/// Adds a route for each file, with the security headers of a page that handles tokens. Without files, GET /
/// answers with a sentence. `origins` returns the other origins to which the page may connect, for example
/// that of a bucket; it may block and throw Error.
void mount_web_page(
    http::Router& router, std::span<const WebAsset> assets,
    std::function<std::vector<std::string>()> origins = [] { return std::vector<std::string>(); });

/// Whether the header Accept-Encoding allows gzip (RFC 9110, section 12.5.3).
[[nodiscard]] bool accepts_gzip(std::string_view header);
/// Whether the header If-None-Match names the entity tag, by weak comparison.
[[nodiscard]] bool matches_etag(std::string_view header, std::string_view etag);

}  // namespace tessera::service
