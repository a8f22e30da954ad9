// SPDX-License-Identifier: Apache-2.0
// Objects in S3 or a compatible store (MinIO, Ceph).
#pragma once

#include <memory>
#include <string>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/s3/credentials.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct S3Options {
  BucketLocation location;
  std::string region = "us-east-1";
  std::shared_ptr<s3::CredentialsProvider> credentials;
  Clock now = system_now;
  std::int64_t part_bytes = std::int64_t{16}
                            << 20;  ///< longer bodies are sent in parts; S3 requires at least 5 MiB
};

/// Bodies longer than a part use multipart upload, which is aborted on failure. Links live at most seven
/// days, the protocol's limit, and never longer than the credentials they are signed with, if the expiry of
/// those is known.
[[nodiscard]] std::unique_ptr<ObjectStore> open_s3_object_store(S3Options options);

/// Parses s3://bucket/prefix?endpoint=URL&region=NAME&style=path|virtual; credentials come from
/// default_credentials_chain(). The default endpoint is AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or Amazon's; with
/// an endpoint, the default style is path. The default region is AWS_REGION, AWS_DEFAULT_REGION or us-east-1. Throws Error(usage).
[[nodiscard]] S3Options parse_s3_url(const std::string& url, const Clock& now = system_now);

}  // namespace tessera
