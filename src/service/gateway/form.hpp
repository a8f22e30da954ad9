// SPDX-License-Identifier: Apache-2.0
// Submissions that contain their images, as sent by browsers and `curl -F` (multipart/form-data): files, each
// of which becomes an item, and the fields of a submission.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "ports/object_store.hpp"
#include "service/gateway/submission.hpp"

namespace tessera::service {

[[nodiscard]] bool is_form(const http::Request& request);

/// Objects stored for a submission, removed in the destructor unless keep() was called.
class UploadGuard {
 public:
  explicit UploadGuard(ObjectStore& store) : store_(store) {}
  ~UploadGuard();
  UploadGuard(const UploadGuard&) = delete;
  UploadGuard& operator=(const UploadGuard&) = delete;
  void put(const std::string& object, ByteSource& content, const std::string& content_type);
  void keep() { objects_.clear(); }

 private:
  ObjectStore& store_;
  std::vector<std::string> objects_;
};

struct FormSubmission {
  Submission submission;    ///< its objects are already stored
  std::string fingerprint;  ///< of fields and contents, independent of the boundaries
};

/// The field "request" holds the fields of the submission as one JSON object without "items"; "pipeline",
/// "output", "priority" and "webhook" hold them individually, as JSON or text. Each file is stored under a
/// name from `new_object`, after everything else has been validated. Throws Error as parse_submission().
[[nodiscard]] FormSubmission parse_form(const http::Request& request, const Presets& presets,
                                        const SubmissionLimits& limits, UploadGuard& uploads,
                                        const std::function<std::string()>& new_object);

}  // namespace tessera::service
