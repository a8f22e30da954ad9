// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <limits>

#include "base/error.hpp"
#include "objects/objects.hpp"

namespace tessera {
namespace {

std::string version_of(const ObjectInfo& info) {
  return info.etag.empty() ? fmt::format("{} bytes of {}", info.size_bytes, to_iso8601(info.modified))
                           : info.etag;
}

class StoredObject final : public RangedObject {
 public:
  StoredObject(std::shared_ptr<ObjectStore> store, std::string name, std::string version)
      : store_(std::move(store)), name_(std::move(name)), version_(std::move(version)) {}

  void read(std::int64_t first, std::int64_t count, ByteSink& out) override {
    const ObjectInfo info = [&] {
      try {
        return store_->get(name_, out, ByteRange{first, first + count - 1});
      } catch (const Error& error) {
        // The range or the whole object is gone.
        if (error.code() == ErrorCode::usage || error.code() == ErrorCode::not_found) {
          fail_for_changed_object(name_);
        }
        throw;
      }
    }();
    if (version_of(info) != version_) {
      fail_for_changed_object(name_);
    }
  }

 private:
  std::shared_ptr<ObjectStore> store_;
  std::string name_;
  std::string version_;
};

}  // namespace

OpenedObject open_stored_object(std::shared_ptr<ObjectStore> store, const std::string& name,
                                std::int64_t head_bytes) {
  OpenedObject opened;
  BytesSink head(opened.head, std::numeric_limits<std::int64_t>::max());
  ObjectInfo info;
  try {
    info = store->get(name, head, ByteRange{0, head_bytes - 1});
  } catch (const Error& error) {
    const auto found = error.code() == ErrorCode::usage ? store->stat(name) : std::nullopt;
    if (!found || found->size_bytes > 0) {
      throw;
    }
    info = *found;  // no range of an empty object can be read
  }
  opened.size = info.size_bytes;
  opened.version = version_of(info);
  opened.object = std::make_unique<StoredObject>(std::move(store), name, opened.version);
  return opened;
}

}  // namespace tessera
