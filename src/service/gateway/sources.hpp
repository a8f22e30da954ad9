// SPDX-License-Identifier: Apache-2.0
// Images that a request names by URL, which the gateway fetches.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "net/http_client.hpp"
#include "service/gateway/form.hpp"

namespace tessera::service {

struct SourceOptions {
  /// Beginnings of URLs, each with scheme, host and a path that ends with a slash. None: no image is fetched.
  std::vector<std::string> allowed;
  bool allow_private_addresses = false;  ///< not only of the public Internet
  std::int64_t max_bytes = std::int64_t{256} << 20;
  std::size_t max_per_request = 16;
  std::chrono::milliseconds time_limit{120'000};                          ///< for one image
  std::filesystem::path folder = std::filesystem::temp_directory_path();  ///< for images on their way
};

struct NamedSource {
  std::string url;
  std::string object;  ///< that it becomes
};

/// Safe to use from many threads.
class SourceFetcher {
 public:
  /// Throws Error(usage) for an allowed beginning that is none.
  explicit SourceFetcher(SourceOptions options);

  /// Replaces "source": {"url": URL} of a submission and its items by "object", and gives the image its file name.
  /// Nothing is fetched. Throws Error(usage), and Error(forbidden) for what is not allowed.
  [[nodiscard]] std::vector<NamedSource> take_from(Json& submission,
                                                   const std::function<std::string()>& new_object) const;
  /// Stores them. `check` is called as bytes arrive, and may throw. Throws Error(not_found, limit_exceeded,
  /// forbidden) with what the other server, or its address, made of it.
  void fetch(const std::vector<NamedSource>& sources, UploadGuard& uploads,
             const std::function<void()>& check);

 private:
  [[nodiscard]] NamedSource take_one(Json& item, const std::string& where,
                                     const std::function<std::string()>& new_object) const;
  void check_allowed(const std::string& url, const std::string& where) const;

  const SourceOptions options_;
  HttpClient client_;
};

}  // namespace tessera::service
