// Submissions with their images inside, as browsers and `curl -F` send them (multipart/form-data): files,
// each of which becomes an item, and the fields of a submission.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "ports/object_store.hpp"
#include "service/gateway/submission.hpp"

namespace tessera::service {

[[nodiscard]] bool is_form(const http::Request& request);

/// Objects that are being stored for a submission, removed again unless it is kept.
class KeptUploads {
 public:
  explicit KeptUploads(ObjectStore& store) : store_(store) {}
  ~KeptUploads();
  KeptUploads(const KeptUploads&) = delete;
  KeptUploads& operator=(const KeptUploads&) = delete;
  void put(const std::string& object, ByteSource& content, const std::string& content_type);
  void keep() { objects_.clear(); }

 private:
  ObjectStore& store_;
  std::vector<std::string> objects_;
};

struct FormSubmission {
  Submission submission;    ///< its objects are stored
  std::string fingerprint;  ///< of fields and contents, whatever the boundaries were
};

/// A field "request" holds the fields of the submission as one JSON object without "items"; "pipeline",
/// "output", "priority" and "webhook" hold them one by one: JSON, or text that is not. Every file is stored
/// under a `new_object` name, once all else has been found to be right. Throws Error as parse_submission.
[[nodiscard]] FormSubmission take_form(const http::Request& request, const Presets& presets,
                                       const SubmissionLimits& limits, KeptUploads& uploads,
                                       const std::function<std::string()>& new_object);

}  // namespace tessera::service
