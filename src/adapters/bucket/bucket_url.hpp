// URLs of buckets: SCHEME://bucket/prefix?name=value&...
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tessera {

/// Where a bucket is, and how its objects are called.
struct BucketPlace {
  std::string bucket;
  std::string prefix;       ///< of all names in the bucket; empty, or ends with a slash
  std::string endpoint;     ///< "https://s3.eu-central-1.amazonaws.com", without bucket or trailing slash
  bool path_style = false;  ///< endpoint/bucket/name rather than bucket.endpoint/name
};

struct BucketUrl {
  std::string bucket;
  std::string prefix;
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// The errors of one kind of bucket URLs.
class BucketUrlParser {
 public:
  /// `scheme` without its colon; `kind` as people call such a bucket; `form` is an example to follow.
  BucketUrlParser(std::string url, std::string scheme, std::string kind, std::string form);
  /// Throws Error(usage).
  [[nodiscard]] BucketUrl parse() const;
  /// Without trailing slashes. Throws Error(usage) unless it is http:// or https:// and a host.
  [[nodiscard]] std::string endpoint(std::string value) const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_parameter(const std::string& name, const std::string& value) const;

 private:
  std::string url_;
  std::string scheme_;
  std::string kind_;
  std::string form_;
};

/// A variable of the environment; empty if it is not set.
[[nodiscard]] std::string environment_variable(const char* name);

}  // namespace tessera
