// Objects in Google Cloud Storage.
//
// It is spoken to by its XML API, not by the JSON API, because that one takes all of Google's credentials:
// access tokens, HMAC keys, and signed links, which only it has. What it shares with S3 is shared here too.
#pragma once

#include <memory>
#include <string>

#include "adapters/bucket/bucket_url.hpp"
#include "adapters/gcs/credentials.hpp"
#include "adapters/gcs/resumable_upload.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct GcsOptions {
  BucketPlace place;
  std::shared_ptr<gcs::Credentials> credentials;
  Clock now = system_now;
  gcs::UploadOptions upload;
};

/// Bodies of any size are sent in resumable sessions, two requests for a small one: what it costs is bought
/// back by a session's being safe to repeat. Objects are removed on the condition that they are still those
/// that were there when remove() was called, so that a repeated request never takes a newer one. Links live
/// seven days at most, or as long as the credentials can be relied on if that is shorter.
[[nodiscard]] std::unique_ptr<ObjectStore> open_gcs_object_store(GcsOptions options);

/// Of gs://bucket/prefix?credentials=FILE&endpoint=URL&iam-endpoint=URL. All parameters may be left out:
/// - credentials: key file of a service account. Without it come, in this order, an HMAC key in
///   GCS_HMAC_ACCESS_ID and GCS_HMAC_SECRET, the key file that GOOGLE_APPLICATION_CREDENTIALS names, and the
///   metadata server of a machine of Google's, at GCE_METADATA_HOST or metadata.google.internal.
/// - endpoint: of the store; iam-endpoint: of the API that signs for machines. Without them Google's.
/// Throws Error(usage, not_found, io). Nothing is sent.
[[nodiscard]] GcsOptions parse_gcs_url(const std::string& url, const Clock& now = system_now);

}  // namespace tessera
