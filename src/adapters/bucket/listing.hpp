// SPDX-License-Identifier: Apache-2.0
// XML responses of S3 and Google Cloud Storage.
#pragma once

#include <string>
#include <vector>

#include "ports/part_uploads.hpp"

namespace tessera {

struct Listing {
  std::vector<ObjectInfo> objects;  ///< names without the prefix
  bool truncated = false;
  std::string continuation;  ///< token for the next page, if the server sends one
};

/// Parses a ListBucketResult, version 2. Throws Error(unavailable) for anything else, for names outside of
/// `prefix`, and for invalid sizes and times.
[[nodiscard]] Listing parse_listing(const std::string& xml, const std::string& prefix);

/// The UploadId of an InitiateMultipartUploadResult. Throws Error(unavailable) for anything else.
[[nodiscard]] std::string parse_begun_upload(const std::string& xml);

struct PartListing {
  std::vector<ObjectPart> parts;
  bool truncated = false;
  std::string next;  ///< marker for the next page
};
/// Parses a ListPartsResult. Throws Error(unavailable) for anything else.
[[nodiscard]] PartListing parse_parts(const std::string& xml);

struct BegunUpload {
  std::string name;  ///< without the prefix
  std::string upload;
  TimePoint begun{};
};
/// Parses a ListMultipartUploadsResult, of which only names under `prefix` are taken. Throws Error(unavailable) for
/// anything else.
[[nodiscard]] std::vector<BegunUpload> parse_begun_uploads(const std::string& xml, const std::string& prefix);

/// The request body that completes an upload.
[[nodiscard]] std::string complete_upload_xml(const std::vector<ObjectPart>& parts);

/// The message of an error document; empty if it is none.
[[nodiscard]] std::string error_message(const std::string& xml);
/// Its code, such as "NoSuchUpload"; empty if it is none.
[[nodiscard]] std::string error_code(const std::string& xml);
/// Whether the error is a missing bucket rather than a missing object.
[[nodiscard]] bool is_missing_bucket(const std::string& xml);
/// Whether the error is caused by the credentials; S3 reports some of these with status 400.
[[nodiscard]] bool is_credentials_error(const std::string& xml);

}  // namespace tessera
