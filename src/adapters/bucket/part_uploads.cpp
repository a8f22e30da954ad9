// SPDX-License-Identifier: Apache-2.0
// Uploads in parts, which S3 and Google Cloud Storage have with the same requests.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
// https://cloud.google.com/storage/docs/multipart-uploads
#include <fmt/format.h>

#include "adapters/bucket/bucket_store.hpp"
#include "adapters/bucket/listing.hpp"
#include "base/error.hpp"

namespace tessera {

std::string BucketStore::begin_upload(const std::string& name, const std::string& content_type) {
  check_object_name(name);
  const HttpResponse begun = send_request({"POST",
                                           key(name),
                                           {{"uploads", ""}},
                                           {{"Content-Type", content_type_or_default(content_type)}},
                                           {},
                                           nullptr,
                                           {}});
  expect_success(begun, name);
  return parse_begun_upload(begun.body);
}

ObjectPart BucketStore::put_part(const std::string& name, const std::string& upload, int number,
                                 ByteSource& body) {
  check_object_name(name);
  check_part(upload, number);
  std::string bytes;
  read_up_to(body, bytes, static_cast<std::size_t>(body.size().value_or(0)));
  check_whole_body(name, body, static_cast<std::int64_t>(bytes.size()));
  return send_part(name, upload, number, std::move(bytes));
}

ObjectPart BucketStore::send_part(const std::string& name, const std::string& upload, int number,
                                  std::string bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  const HttpResponse stored = send_request({"PUT",
                                            key(name),
                                            {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
                                            {},
                                            std::move(bytes),
                                            nullptr,
                                            {}});
  expect_success(stored, name);
  return {number, size, header_of(stored, "etag")};
}

Link BucketStore::sign_part(const std::string& name, const std::string& upload, int number,
                            std::int64_t size_bytes, std::chrono::seconds lifetime) {
  check_part(upload, number);
  LinkOptions options;
  options.lifetime = lifetime;
  return sign("PUT", name, {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
              {{"content-length", std::to_string(size_bytes)}}, options);
}

std::vector<ObjectPart> BucketStore::list_parts(const std::string& name, const std::string& upload) {
  check_object_name(name);
  check_part(upload, 1);
  std::vector<ObjectPart> parts;
  std::string marker;
  do {
    BucketRequest request{"GET", key(name), {{"uploadId", upload}}, {}, {}, nullptr, {}};
    if (!marker.empty()) {
      request.query.emplace_back("part-number-marker", marker);
    }
    const HttpResponse response = send_request(request);
    expect_success(response, name);
    PartListing page = parse_parts(response.body);
    parts.insert(parts.end(), std::make_move_iterator(page.parts.begin()),
                 std::make_move_iterator(page.parts.end()));
    if (page.truncated && (page.next.empty() || page.next == marker)) {
      throw Error(
          ErrorCode::unavailable,
          fmt::format("The store '{}' lists the parts of '{}' without an end.", location_.bucket, name));
    }
    marker = page.truncated ? page.next : std::string();
  } while (!marker.empty());
  return parts;
}

ObjectInfo BucketStore::complete_upload(const std::string& name, const std::string& upload,
                                        const std::vector<ObjectPart>& parts) {
  check_object_name(name);
  check_part(upload, 1);
  const HttpResponse ended = send_request({"POST",
                                           key(name),
                                           {{"uploadId", upload}},
                                           {{"Content-Type", "application/xml"}},
                                           complete_upload_xml(parts),
                                           nullptr,
                                           {}});
  // The response starts before the upload is completed, so an error may follow status 200.
  const std::string code = error_code(ended.body);
  if (ended.status == 404 || code == "NoSuchUpload") {
    // Completed by an earlier attempt whose response was lost?
    if (auto made = stat(name)) {
      return *std::move(made);
    }
    throw_no_upload(name, upload);
  }
  if (code == "InvalidPart" || code == "InvalidPartOrder" || code == "EntityTooSmall") {
    throw Error(ErrorCode::usage,
                fmt::format("The parts of '{}' cannot be put together: {}", name, error_message(ended.body)));
  }
  expect_success(ended, name);
  if (!code.empty()) {
    throw Error(ErrorCode::unavailable, fmt::format("The upload of '{}' could not be completed: {}", name,
                                                    error_message(ended.body)));
  }
  std::int64_t size = 0;
  for (const ObjectPart& part : parts) {
    size += part.size_bytes;
  }
  return {name, size, {}, now_()};
}

void BucketStore::abort_upload(const std::string& name, const std::string& upload) {
  check_object_name(name);
  check_part(upload, 1);
  const HttpResponse response =
      send_request({"DELETE", key(name), {{"uploadId", upload}}, {}, {}, nullptr, {}});
  if (response.status != 404) {
    expect_success(response, name);
  }
}

int BucketStore::abort_uploads(const std::string& prefix, TimePoint begun_before) {
  const HttpResponse response = send_request(
      {"GET", bucket_path(), {{"uploads", ""}, {"prefix", location_.prefix + prefix}}, {}, {}, nullptr, {}});
  expect_success(response, location_.bucket);
  int aborted = 0;
  for (const BegunUpload& begun : parse_begun_uploads(response.body, location_.prefix)) {
    if (begun.begun < begun_before) {
      abort_upload(begun.name, begun.upload);
      ++aborted;
    }
  }
  return aborted;
}

}  // namespace tessera
