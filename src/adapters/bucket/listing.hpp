// The XML that S3 and Google Cloud Storage answer with.
#pragma once

#include <string>
#include <vector>

#include "ports/object_store.hpp"

namespace tessera {

struct Listing {
  std::vector<ObjectInfo> objects;  ///< names without the prefix
  bool truncated = false;
  std::string continuation;  ///< for the next request, where the server gives one
};

/// Of a ListBucketResult, version 2. Throws Error(unavailable) for what is none, and for names outside of
/// `prefix`, sizes and times that cannot be.
[[nodiscard]] Listing parse_listing(const std::string& xml, const std::string& prefix);

/// What an error document says, for people; empty if it is none.
[[nodiscard]] std::string error_message(const std::string& xml);
/// Whether it says that there is no such bucket, rather than no such object.
[[nodiscard]] bool misses_bucket(const std::string& xml);
/// Whether it says that the credentials are the reason, which S3 tells in part with status 400.
[[nodiscard]] bool refuses_credentials(const std::string& xml);

}  // namespace tessera
