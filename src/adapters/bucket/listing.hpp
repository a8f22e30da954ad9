// SPDX-License-Identifier: Apache-2.0
// XML responses of S3 and Google Cloud Storage.
#pragma once

#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace tessera {

struct Listing {
  std::vector<ObjectInfo> objects;  ///< names without the prefix
  bool truncated = false;
  std::string continuation;  ///< token for the next page, if the server sends one
};

/// Parses a ListBucketResult, version 2. Throws Error(unavailable) for anything else, for names outside of
/// `prefix`, and for invalid sizes and times.
[[nodiscard]] Listing parse_listing(const std::string& xml, const std::string& prefix);

/// The message of an error document; empty if it is none.
[[nodiscard]] std::string error_message(const std::string& xml);
/// Whether the error is a missing bucket rather than a missing object.
[[nodiscard]] bool is_missing_bucket(const std::string& xml);
/// Whether the error is caused by the credentials; S3 reports some of these with status 400.
[[nodiscard]] bool is_credentials_error(const std::string& xml);

}  // namespace tessera
