// Objects in S3, or in what speaks its protocol (MinIO, Ceph).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/bucket/bucket_url.hpp"
#include "net/sigv4.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct S3Options {
  BucketPlace place;
  std::string region = "us-east-1";
  sigv4::Credentials credentials;
  std::optional<TimePoint> credentials_expire;  ///< if that is known
  Clock now = system_now;
  std::int64_t part_bytes = std::int64_t{16} << 20;  ///< of bodies longer than this; at least 5 MiB at S3
};

/// Bodies longer than a part are sent in parts, which are withdrawn when one fails. Links live seven days at
/// most, the protocol's limit, and never longer than the credentials, where it is known when those expire.
[[nodiscard]] std::unique_ptr<ObjectStore> open_s3_object_store(S3Options options);

/// Of s3://bucket/prefix?endpoint=URL&region=NAME&style=path|virtual. Without an endpoint it is Amazon's,
/// with one the style is path unless it is said. The credentials come from AWS_ACCESS_KEY_ID,
/// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION, as `aws configure
/// export-credentials --format env` writes them; the last two may be missing. Throws Error(usage).
[[nodiscard]] S3Options parse_s3_url(const std::string& url);

}  // namespace tessera
