// Objects in S3, or in what speaks its protocol (MinIO, Ceph).
#pragma once

#include <memory>
#include <string>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/s3/keys.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct S3Options {
  BucketPlace place;
  std::string region = "us-east-1";
  std::shared_ptr<s3::KeySource> keys;
  Clock now = system_now;
  std::int64_t part_bytes = std::int64_t{16} << 20;  ///< of bodies longer than this; at least 5 MiB at S3
};

/// Bodies longer than a part are sent in parts, which are withdrawn when one fails. Links live seven days at
/// most, the protocol's limit, and never longer than the keys they are signed with, where it is known when
/// those expire.
[[nodiscard]] std::unique_ptr<ObjectStore> open_s3_object_store(S3Options options);

/// Of s3://bucket/prefix?endpoint=URL&region=NAME&style=path|virtual, with the environment's keys
/// (keys_of_environment). Without an endpoint it is Amazon's, with one the style is path unless it is said;
/// without a region it is that of AWS_REGION or AWS_DEFAULT_REGION, or us-east-1. Throws Error(usage).
[[nodiscard]] S3Options parse_s3_url(const std::string& url, const Clock& now = system_now);

}  // namespace tessera
