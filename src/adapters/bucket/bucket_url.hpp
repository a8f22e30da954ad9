// SPDX-License-Identifier: Apache-2.0
// URLs of buckets: SCHEME://bucket/prefix?name=value&...
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tessera {

/// A bucket's address and naming.
struct BucketLocation {
  std::string bucket;
  std::string prefix;       ///< of all object names; empty, or ends with a slash
  std::string endpoint;     ///< "https://s3.eu-central-1.amazonaws.com", without bucket or trailing slash
  bool path_style = false;  ///< endpoint/bucket/name rather than bucket.endpoint/name
};

struct BucketUrl {
  std::string bucket;
  std::string prefix;
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// Parser for one kind of bucket URL.
class BucketUrlParser {
 public:
  /// `scheme` without the colon; `kind` is the display name of such a bucket; `form` is an example for error
  /// messages.
  BucketUrlParser(std::string url, std::string scheme, std::string kind, std::string form);
  /// Throws Error(usage).
  [[nodiscard]] BucketUrl parse() const;
  /// Removes trailing slashes. Throws Error(usage) unless it is an http:// or https:// URL.
  [[nodiscard]] std::string endpoint(std::string value) const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_parameter(const std::string& name, const std::string& value) const;

 private:
  std::string url_;
  std::string scheme_;
  std::string kind_;
  std::string form_;
};

/// An environment variable; empty if it is not set.
[[nodiscard]] std::string environment_variable(const char* name);

}  // namespace tessera
