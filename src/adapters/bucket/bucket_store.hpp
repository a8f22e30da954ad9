// SPDX-License-Identifier: Apache-2.0
// Common base of S3 and Google Cloud Storage: buckets accessed with Amazon's XML API, which Google implements
// too. They differ in authentication and in how a large body is sent.
#pragma once

#include "adapters/bucket/bucket_url.hpp"
#include "net/http_client.hpp"
#include "net/sigv4.hpp"
#include "ports/part_uploads.hpp"

namespace tessera {

class BucketStore : public ObjectStore, public PartUploads {
 public:
  /// Resumes after a broken connection, as long as the object is unchanged.
  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override;
  std::optional<ObjectInfo> stat(const std::string& name) override;
  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override;
  Link sign_get(const std::string& name, const LinkOptions& options) override;
  Link sign_put(const std::string& name, const LinkOptions& options) override;
  PartUploads& part_uploads() override { return *this; }
  void check() override;

  std::string begin_upload(const std::string& name, const std::string& content_type) override;
  /// Holds the part in memory, so that it can be sent again.
  ObjectPart put_part(const std::string& name, const std::string& upload, int number,
                      ByteSource& body) override;
  Link sign_part(const std::string& name, const std::string& upload, int number, std::int64_t size_bytes,
                 std::chrono::seconds lifetime) override;
  std::vector<ObjectPart> list_parts(const std::string& name, const std::string& upload) override;
  ObjectInfo complete_upload(const std::string& name, const std::string& upload,
                             const std::vector<ObjectPart>& parts) override;
  void abort_upload(const std::string& name, const std::string& upload) override;
  int abort_uploads(const std::string& prefix, TimePoint begun_before) override;

 protected:
  struct BucketRequest {
    std::string method;
    std::string path;  ///< encoded
    sigv4::Fields query;
    sigv4::Fields headers;
    std::string body;
    ByteSink* sink = nullptr;
    std::function<void(const HttpResponse&)> on_head;
  };

  BucketStore(BucketLocation location, Clock now);

  /// Sends an authenticated request, with retries (HttpClient::send).
  virtual HttpResponse send_request(const BucketRequest& what) = 0;
  /// The header that makes a request fail (412) unless the object is still the version of `response`.
  [[nodiscard]] virtual sigv4::Fields if_unchanged_header(const HttpResponse& response) const = 0;
  /// The encoded query of a presigned URL, with its signature.
  [[nodiscard]] virtual std::string presign(const sigv4::Request& request, TimePoint now,
                                            std::chrono::seconds lifetime) = 0;
  /// The host name as signed in links.
  [[nodiscard]] virtual std::string signed_host() const { return host_; }
  /// How long a signature made now stays valid; not positive if the credentials have expired.
  [[nodiscard]] virtual std::chrono::seconds signature_lifetime() const { return max_link_lifetime; }

  [[nodiscard]] const BucketLocation& location() const { return location_; }
  [[nodiscard]] const Clock& now() const { return now_; }
  [[nodiscard]] const std::string& host() const { return host_; }  ///< with the port, if the endpoint has one
  [[nodiscard]] std::string bucket_path() const;
  [[nodiscard]] std::string key(const std::string& name) const;  ///< path of an object, encoded
  [[nodiscard]] std::string url(const std::string& path, const sigv4::Fields& query) const;
  /// Builds the HTTP request with the given headers.
  [[nodiscard]] HttpRequest to_http(const BucketRequest& what, sigv4::Fields headers) const;
  ObjectPart send_part(const std::string& name, const std::string& upload, int number, std::string bytes);
  /// Throws the Error for a non-2xx status, with the store's message.
  void expect_success(const HttpResponse& response, const std::string& name) const;

 private:
  Link sign(const std::string& method, const std::string& name, sigv4::Fields query, sigv4::Fields headers,
            const LinkOptions& options);

  BucketLocation location_;
  Clock now_;
  std::string host_;
  std::string base_;
};

/// Fills `buffer` up to `size` bytes, or less if the source ends.
void read_up_to(ByteSource& body, std::string& buffer, std::size_t size);
/// "application/octet-stream" if `content_type` is empty.
[[nodiscard]] std::string content_type_or_default(const std::string& content_type);

}  // namespace tessera
