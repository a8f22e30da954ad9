// SPDX-License-Identifier: Apache-2.0
// Images that are objects in S3 or Google Cloud Storage, or files on web servers: read in ranges, written whole.
// What speaks to them is a module (src/objects), so that the HTTP client costs nothing at the start of a command
// that only knows files.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "codec/io/input.hpp"

namespace tessera {

/// Whether a name is the URL of an object: s3://BUCKET/NAME, gs://BUCKET/NAME, https://... or http://...
[[nodiscard]] bool is_object_url(std::string_view name);

/// A name for messages and reports: of an object's URL without password and query, which may hold a signature.
[[nodiscard]] std::string shown_name(const std::string& name);

/// The part of an object's URL that names it, without the query: "s3://bucket/scan.tif". Other names as they are.
[[nodiscard]] std::string_view object_path(std::string_view name);

/// Settings and credentials from the environment that ranks on other hosts need too.
inline constexpr std::array object_variables{"AWS_ACCESS_KEY_ID",
                                             "AWS_SECRET_ACCESS_KEY",
                                             "AWS_SESSION_TOKEN",
                                             "AWS_CREDENTIAL_EXPIRATION",
                                             "AWS_PROFILE",
                                             "AWS_SHARED_CREDENTIALS_FILE",
                                             "AWS_ROLE_ARN",
                                             "AWS_ROLE_SESSION_NAME",
                                             "AWS_WEB_IDENTITY_TOKEN_FILE",
                                             "AWS_REGION",
                                             "AWS_DEFAULT_REGION",
                                             "AWS_ENDPOINT_URL",
                                             "AWS_ENDPOINT_URL_S3",
                                             "AWS_ENDPOINT_URL_STS",
                                             "GCS_HMAC_ACCESS_ID",
                                             "GCS_HMAC_SECRET",
                                             "GOOGLE_APPLICATION_CREDENTIALS"};

/// One version of an object. Every read is of that version: if the object changes meanwhile, reading throws
/// Error(io).
class ObjectInput : public Input {
 public:
  /// Tells versions of the object apart: its entity tag. Never empty.
  [[nodiscard]] const std::string& version() const { return version_; }
  /// Memory that it takes at most for what has been read; what read_ahead() has fetched comes on top.
  [[nodiscard]] virtual std::int64_t cache_bytes() const = 0;

 protected:
  ObjectInput(std::string name, std::int64_t size, std::string version)
      : Input(std::move(name), size), version_(std::move(version)) {}

 private:
  std::string version_;
};

/// An object on its way to a bucket, on the root rank. Destroyed before finish() it leaves nothing behind.
class ObjectUpload {
 public:
  virtual ~ObjectUpload() = default;
  /// Links for parts of the object (base/part_layout.hpp), by which other ranks upload them.
  [[nodiscard]] virtual std::vector<std::string> links(std::int64_t first, std::int64_t count) = 0;
  /// That part is uploaded; `tag` is what upload_part() returned.
  virtual void add_uploaded(std::int64_t part, std::string tag) = 0;
  /// Uploads what is not uploaded yet, from a file that has at least that, and makes the object of `size_bytes`.
  virtual void finish(int descriptor, std::int64_t size_bytes) = 0;
};

/// Credentials are found as for the service's stores: environment, files and the machine's role. Functions throw
/// Error: usage (a URL that cannot be used), not_found, forbidden (credentials), unavailable (the server does not
/// respond, or fails, also after retries). Safe from several threads.
class ObjectsModule {
 public:
  virtual ~ObjectsModule() = default;
  /// The URL for messages: without password and query, which may hold a signature.
  [[nodiscard]] virtual std::string shown(const std::string& url) const = 0;
  /// Reads in ranges, several at a time, ahead where reading goes in order. Of a web server that has no ranges
  /// the whole file is read into memory, if it has at most 1 GiB.
  [[nodiscard]] virtual std::shared_ptr<const ObjectInput> open(const std::string& url) const = 0;
  /// Of s3:// and gs:// only, as all below.
  [[nodiscard]] virtual bool exists(const std::string& url) const = 0;
  /// The object appears when the upload is finished, and replaces an older one. No request is sent before there is
  /// something to upload.
  [[nodiscard]] virtual std::unique_ptr<ObjectUpload> begin_upload(const std::string& url,
                                                                   std::string_view media_type) const = 0;
  /// Passes `count` bytes from `first` on of the file at `url` to `out` as they arrive. Throws Error(conflict) if its
  /// entity tag is not `version`, Error(cancelled) when `stop` is requested, and what `out` throws.
  virtual void read_range(const std::string& url, const std::string& version, std::int64_t first,
                          std::int64_t count, const std::function<void(std::span<const std::byte>)>& out,
                          const std::stop_token& stop) const = 0;
  /// Whether `signature` is the HMAC-SHA-256 of `text`, in lower-case hexadecimal.
  [[nodiscard]] virtual bool is_signed(std::string_view key, std::string_view text,
                                       std::string_view signature) const = 0;
  /// By a link of ObjectUpload::links(), without credentials. Returns how the store calls the content. Throws
  /// Error(cancelled) when `stop` is requested.
  virtual std::string upload_part(const std::string& link, std::span<const std::byte> bytes,
                                  const std::stop_token& stop) const = 0;
};

/// The module, loaded at the first call. Throws Error(internal) if it is not installed.
[[nodiscard]] const ObjectsModule& objects_module();

/// The module's only symbol is a function of this type and name.
using ObjectsModuleEntry = const ObjectsModule* (*)();
inline constexpr const char* objects_module_entry = "tessera_objects_module";
inline constexpr const char* objects_module_file = "tessera_objects.so";

}  // namespace tessera
