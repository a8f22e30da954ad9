// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "adapters/gcs/object_store.hpp"
#include "adapters/s3/object_store.hpp"
#include "base/error.hpp"
#include "codec/io/objects.hpp"
#include "net/crypto.hpp"
#include "net/part_link.hpp"
#include "net/redact.hpp"
#include "objects/objects.hpp"
#include "ports/parted_upload.hpp"
#include "ranged/ranged_input.hpp"

namespace tessera {
namespace {

struct StoredName {
  std::shared_ptr<ObjectStore> store;
  std::string name;
};

class BucketUpload final : public ObjectUpload {
 public:
  BucketUpload(StoredName stored, std::string_view media_type)
      : store_(std::move(stored.store)), upload_(*store_, std::move(stored.name), std::string(media_type)) {}

  std::vector<std::string> links(std::int64_t first, std::int64_t count) override {
    return upload_.links(first, count);
  }
  void add_uploaded(std::int64_t part, std::string tag) override {
    upload_.add_uploaded(part, std::move(tag));
  }
  void finish(int descriptor, std::int64_t size_bytes) override {
    upload_.finish(fmt::format("/proc/self/fd/{}", descriptor), size_bytes);
  }

 private:
  std::shared_ptr<ObjectStore> store_;
  PartedUpload upload_;
};

class Objects final : public ObjectsModule {
 public:
  std::string shown(const std::string& url) const override { return redact_url(url); }

  std::shared_ptr<const ObjectInput> open(const std::string& url) const override {
    const RangedReading reading;
    auto opened = [&] {
      if (is_web(url)) {
        return open_web_object(url, reading.piece_bytes);
      }
      auto [store, name] = find_store(url);
      return open_stored_object(std::move(store), name, reading.piece_bytes);
    }();
    return std::make_shared<RangedInput>(std::move(opened), fmt::format("'{}'", redact_url(url)), reading);
  }

  bool exists(const std::string& url) const override {
    const StoredName stored = find_store(url);
    return stored.store->stat(stored.name).has_value();
  }

  std::unique_ptr<ObjectUpload> begin_upload(const std::string& url,
                                             std::string_view media_type) const override {
    return std::make_unique<BucketUpload>(find_store(url), media_type);
  }

  void read_range(const std::string& url, const std::string& version, std::int64_t first, std::int64_t count,
                  const std::function<void(std::span<const std::byte>)>& out,
                  const std::stop_token& stop) const override {
    class FunctionSink final : public ByteSink {
     public:
      explicit FunctionSink(const std::function<void(std::span<const std::byte>)>& out) : out_(out) {}
      void write(std::span<const std::byte> bytes) override { out_(bytes); }

     private:
      const std::function<void(std::span<const std::byte>)>& out_;
    } sink(out);
    read_web_range(http_, url, version, first, count, sink, stop);
  }

  bool is_signed(std::string_view key, std::string_view text, std::string_view signature) const override {
    return equal_in_constant_time(to_hex(hmac_sha256(key, text)), signature);
  }

  std::string upload_part(const std::string& link, std::span<const std::byte> bytes,
                          const std::stop_token& stop) const override {
    return put_part_by_link(http_, link, bytes, stop);
  }

 private:
  static bool is_web(std::string_view url) { return !url.starts_with("s3:") && !url.starts_with("gs:"); }

  /// Stores stay open: finding credentials and connecting take time.
  StoredName find_store(const std::string& url) const {
    if (is_web(url)) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' cannot be written: results go to files, s3:// and gs://.", redact_url(url)));
    }
    const std::string_view path = object_path(url);
    const std::size_t bucket = path.find("://") + 3;
    const std::size_t slash = std::min(path.size(), path.find('/', bucket));
    const std::string name(path.substr(std::min(path.size(), slash + 1)));
    if (slash == bucket || name.empty()) {
      throw Error(ErrorCode::usage, fmt::format("'{}' names no object: write {}BUCKET/NAME.", redact_url(url),
                                                path.substr(0, bucket)));
    }
    const std::string store_url = std::string(path.substr(0, slash)) + url.substr(path.size());
    const std::scoped_lock lock(mutex_);
    std::shared_ptr<ObjectStore>& store = stores_[store_url];
    if (!store) {
      store = url.starts_with("s3:") ? open_s3_object_store(parse_s3_url(store_url))
                                     : open_gcs_object_store(parse_gcs_url(store_url));
    }
    return {store, name};
  }

  mutable HttpClient http_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<ObjectStore>> stores_;  ///< by the URL of their bucket
};

}  // namespace
}  // namespace tessera

extern "C" __attribute__((visibility("default"))) const tessera::ObjectsModule* tessera_objects_module() {
  static const tessera::Objects objects;
  return &objects;
}
