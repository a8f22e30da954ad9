// SPDX-License-Identifier: Apache-2.0
// Uses the XML API rather than the JSON API, because it accepts all of Google's credentials: access tokens,
// HMAC keys and signed links, which only it supports. The code shared with S3 is in adapters/bucket.
#pragma once

#include <memory>
#include <string>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/gcs/credentials.hpp"
#include "adapters/gcs/resumable_upload.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct GcsOptions {
  BucketLocation location;
  std::shared_ptr<gcs::Credentials> credentials;
  Clock now = system_now;
  gcs::UploadOptions upload;
};

/// Bodies of any size are sent as resumable uploads, which costs a small one two requests but makes it safe
/// to retry. Objects are removed on the condition that they are unchanged since remove() was called, so that
/// a retried request never removes a newer one. Links live at most seven days, or as long as the credentials'
/// signatures are valid.
[[nodiscard]] std::unique_ptr<ObjectStore> open_gcs_object_store(GcsOptions options);

/// Parses gs://bucket/prefix?credentials=FILE&endpoint=URL&iam-endpoint=URL. All parameters are optional:
/// - credentials: key file of a service account. Without it the first of these is used: an HMAC key in
///   GCS_HMAC_ACCESS_ID and GCS_HMAC_SECRET, the key file named by GOOGLE_APPLICATION_CREDENTIALS, the
///   metadata server of a Google machine at GCE_METADATA_HOST or metadata.google.internal.
/// - endpoint: of the store; iam-endpoint: of the API that signs for machines. Both default to Google's.
///
/// Throws Error(usage, not_found, io). No request is sent.
[[nodiscard]] GcsOptions parse_gcs_url(const std::string& url, const Clock& now = system_now);

}  // namespace tessera
