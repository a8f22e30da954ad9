// What S3 and Google Cloud Storage have in common: buckets spoken to by the XML protocol that Amazon began
// and Google took up. They differ in how a request is let in, and in how a big body is sent.
#pragma once

#include "adapters/bucket/bucket_url.hpp"
#include "net/http_client.hpp"
#include "net/sigv4.hpp"
#include "ports/object_store.hpp"

namespace tessera {

class BucketStore : public ObjectStore {
 public:
  /// Goes on where a broken connection left off, as long as the object is still the same.
  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override;
  std::optional<ObjectInfo> stat(const std::string& name) override;
  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override;
  Link sign_get(const std::string& name, const LinkOptions& options) override;
  Link sign_put(const std::string& name, const LinkOptions& options) override;
  void check() override;

 protected:
  struct Ask {
    std::string method;
    std::string path;  ///< encoded
    sigv4::Fields query;
    sigv4::Fields headers;
    std::string body;
    ByteSink* sink = nullptr;
    std::function<void(const HttpResponse&)> on_head;
  };

  BucketStore(BucketPlace place, Clock now);

  /// Sends a request of one who is let in, again where that helps (HttpClient::send).
  virtual HttpResponse ask(const Ask& what) = 0;
  /// The header that makes a request fail (412) unless the object is still the version that `response` is of.
  [[nodiscard]] virtual sigv4::Fields same_version(const HttpResponse& response) const = 0;
  /// The query of a link, encoded, with its signature.
  [[nodiscard]] virtual std::string presign(const sigv4::Request& request, TimePoint now,
                                            std::chrono::seconds lifetime) = 0;
  /// The host as it is signed in links.
  [[nodiscard]] virtual std::string signed_host() const { return host_; }
  /// As long as the credentials may be relied on from now on; nothing, if they have expired.
  [[nodiscard]] virtual std::chrono::seconds longest_link() const { return longest_link_lifetime; }

  [[nodiscard]] const BucketPlace& place() const { return place_; }
  [[nodiscard]] const Clock& now() const { return now_; }
  [[nodiscard]] const std::string& host() const { return host_; }  ///< with its port, if that is written
  [[nodiscard]] std::string bucket_path() const;
  [[nodiscard]] std::string key(const std::string& name) const;  ///< path of an object, encoded
  [[nodiscard]] std::string url(const std::string& path, const sigv4::Fields& query) const;
  /// `what` as it is sent, with the headers that let it in.
  [[nodiscard]] HttpRequest to_http(const Ask& what, sigv4::Fields headers) const;
  /// Throws what a status means, with what the store says.
  void expect_success(const HttpResponse& response, const std::string& name) const;

 private:
  Link sign(const std::string& method, const std::string& name, sigv4::Fields query, sigv4::Fields headers,
            const LinkOptions& options);

  BucketPlace place_;
  Clock now_;
  std::string host_;
  std::string base_;
};

/// Fills `buffer` up to `size` bytes; less came if the source has ended.
void read_up_to(ByteSource& body, std::string& buffer, std::size_t size);
/// What an object is stored as if nobody says.
[[nodiscard]] std::string content_type_or_default(const std::string& content_type);

}  // namespace tessera
