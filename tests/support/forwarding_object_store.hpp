// SPDX-License-Identifier: Apache-2.0
// Passes every call on, but for local_file(): its objects are as far away as those of a bucket. What a test overrides
// fails as real stores do only by chance.
#pragma once

#include <memory>

#include "ports/object_store.hpp"

namespace tessera::testing {

class ForwardingObjectStore : public ObjectStore {
 public:
  /// `store` must outlive it.
  explicit ForwardingObjectStore(ObjectStore& store) : store_(store) {}
  explicit ForwardingObjectStore(std::unique_ptr<ObjectStore> store)
      : kept_(std::move(store)), store_(*kept_) {}

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& type) override {
    return store_.put(name, body, type);
  }
  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    return store_.get(name, out, range);
  }
  std::optional<ObjectInfo> stat(const std::string& name) override { return store_.stat(name); }
  void remove(const std::string& name) override { store_.remove(name); }
  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override {
    return store_.list(prefix, after, limit);
  }
  Link sign_get(const std::string& name, const LinkOptions& options) override {
    return store_.sign_get(name, options);
  }
  Link sign_put(const std::string& name, const LinkOptions& options) override {
    return store_.sign_put(name, options);
  }
  PartUploads& part_uploads() override { return store_.part_uploads(); }
  void check() override { store_.check(); }

 private:
  std::unique_ptr<ObjectStore> kept_;
  ObjectStore& store_;
};

}  // namespace tessera::testing
