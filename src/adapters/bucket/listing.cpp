// SPDX-License-Identifier: Apache-2.0
#include "adapters/bucket/listing.hpp"

#include <fmt/format.h>

#include <charconv>
#include <pugixml.hpp>

#include "base/error.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

std::string text_of(const pugi::xml_node& node, const char* name) { return node.child(name).text().get(); }

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::unavailable, fmt::format("The store's listing contains {}.", why));
}

std::int64_t size_of(const std::string& text) {
  std::int64_t size = -1;
  const char* const end = text.data() + text.size();
  if (const auto [last, error] = std::from_chars(text.data(), end, size);
      error != std::errc() || last != end || size < 0) {
    refuse(fmt::format("the size '{}'", text.substr(0, 40)));
  }
  return size;
}

TimePoint time_of(std::string text) {
  if (text.empty()) {
    return {};
  }
  if (text.ends_with('Z') && text.find('.') == std::string::npos) {
    text.insert(text.size() - 1, ".000");
  }
  try {
    return time_from_iso8601(text);
  } catch (const Error&) {
    refuse(fmt::format("the time '{}'", text.substr(0, 40)));
  }
}

/// The <Error> element; null if the document is not an error document.
pugi::xml_node error_of(pugi::xml_document& document, const std::string& xml) {
  return document.load_buffer(xml.data(), xml.size()) ? document.child("Error") : pugi::xml_node();
}

/// The element `name` of a response.
pugi::xml_node require_root(pugi::xml_document& document, const std::string& xml, const char* name) {
  const pugi::xml_node result =
      document.load_buffer(xml.data(), xml.size()) ? document.child(name) : pugi::xml_node();
  if (!result) {
    throw Error(ErrorCode::unavailable, fmt::format("The store's response contains no {}.", name));
  }
  return result;
}

}  // namespace

std::string parse_begun_upload(const std::string& xml) {
  pugi::xml_document document;
  const std::string upload =
      text_of(require_root(document, xml, "InitiateMultipartUploadResult"), "UploadId");
  if (upload.empty()) {
    throw Error(ErrorCode::unavailable, "The store began an upload in parts without giving its identifier.");
  }
  return upload;
}

PartListing parse_parts(const std::string& xml) {
  pugi::xml_document document;
  const pugi::xml_node result = require_root(document, xml, "ListPartsResult");
  PartListing listing;
  for (const pugi::xml_node& part : result.children("Part")) {
    listing.parts.push_back(
        {part.child("PartNumber").text().as_int(), size_of(text_of(part, "Size")), text_of(part, "ETag")});
  }
  listing.truncated = text_of(result, "IsTruncated") == "true";
  listing.next = text_of(result, "NextPartNumberMarker");
  return listing;
}

std::vector<BegunUpload> parse_begun_uploads(const std::string& xml, const std::string& prefix) {
  pugi::xml_document document;
  const pugi::xml_node result = require_root(document, xml, "ListMultipartUploadsResult");
  std::vector<BegunUpload> uploads;
  for (const pugi::xml_node& entry : result.children("Upload")) {
    const std::string key = text_of(entry, "Key");
    if (key.starts_with(prefix)) {
      uploads.push_back(
          {key.substr(prefix.size()), text_of(entry, "UploadId"), time_of(text_of(entry, "Initiated"))});
    }
  }
  return uploads;
}

std::string complete_upload_xml(const std::vector<ObjectPart>& parts) {
  std::string list = "<CompleteMultipartUpload>";
  for (const ObjectPart& part : parts) {
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", part.number, part.etag);
  }
  return list + "</CompleteMultipartUpload>";
}

std::string error_code(const std::string& xml) {
  pugi::xml_document document;
  return text_of(error_of(document, xml), "Code");
}

Listing parse_listing(const std::string& xml, const std::string& prefix) {
  pugi::xml_document document;
  const pugi::xml_node result = require_root(document, xml, "ListBucketResult");
  Listing listing;
  for (const pugi::xml_node& entry : result.children("Contents")) {
    const std::string key = text_of(entry, "Key");
    if (!key.starts_with(prefix)) {
      refuse(fmt::format("'{}', which does not begin with '{}'", key.substr(0, 200), prefix));
    }
    listing.objects.push_back({key.substr(prefix.size()),
                               size_of(text_of(entry, "Size")),
                               {},
                               time_of(text_of(entry, "LastModified"))});
  }
  listing.truncated = text_of(result, "IsTruncated") == "true";
  listing.continuation = text_of(result, "NextContinuationToken");
  return listing;
}

std::string error_message(const std::string& xml) {
  pugi::xml_document document;
  const pugi::xml_node error = error_of(document, xml);
  const std::string message = text_of(error, "Message");
  const std::string details = text_of(error, "Details");
  return message + (message.empty() || details.empty() ? "" : " ") + details;
}

bool is_missing_bucket(const std::string& xml) { return error_code(xml) == "NoSuchBucket"; }

bool is_credentials_error(const std::string& xml) {
  const std::string code = error_code(xml);
  return code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired" ||
         code == "InvalidAccessKeyId";
}

}  // namespace tessera
