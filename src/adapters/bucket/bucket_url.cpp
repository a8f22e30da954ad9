// SPDX-License-Identifier: Apache-2.0
#include "adapters/bucket/bucket_url.hpp"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <cstdlib>

#include "base/error.hpp"
#include "net/redact.hpp"

namespace tessera {

BucketUrlParser::BucketUrlParser(std::string url, std::string scheme, std::string kind, std::string form)
    : url_(std::move(url)), scheme_(std::move(scheme)), kind_(std::move(kind)), form_(std::move(form)) {}

void BucketUrlParser::refuse(const std::string& why) const {
  throw Error(ErrorCode::usage,
              fmt::format("'{}' is not a {} URL ({}): write {}.", redact_url(url_), kind_, why, form_));
}

void BucketUrlParser::refuse_parameter(const std::string& name, const std::string& value) const {
  refuse(fmt::format("'{}={}' is not understood", name, value));
}

BucketUrl BucketUrlParser::parse() const {
  const auto parsed = boost::urls::parse_uri(url_);
  if (!parsed || parsed->scheme() != scheme_ || parsed->host().empty()) {
    refuse(fmt::format("it must begin with {}:// and a bucket", scheme_));
  }
  BucketUrl result;
  result.bucket = parsed->host();
  result.prefix = std::string(parsed->path());
  result.prefix.erase(0, 1);
  if (!result.prefix.empty() && !result.prefix.ends_with('/')) {
    result.prefix += '/';
  }
  for (const auto& parameter : parsed->params()) {
    result.parameters.emplace_back(parameter.key, parameter.value);
  }
  return result;
}

std::string BucketUrlParser::endpoint(std::string value) const {
  while (value.ends_with('/')) {
    value.pop_back();
  }
  if (!value.starts_with("http://") && !value.starts_with("https://")) {
    refuse(fmt::format("'{}' must begin with http:// or https://", redact_url(value)));
  }
  return value;
}

std::string environment_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace tessera
