// SPDX-License-Identifier: Apache-2.0
#include "adapters/store/store_server.hpp"

#include "adapters/open.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {
namespace {

class Disk final : public StoreServer {
 public:
  std::unique_ptr<ObjectStore> open(Clock now) const override {
    return open_object_store("file://" + (folder_.path() / "objects of mine").string(),
                             {std::move(now), "http://127.0.0.1:1/base/", "a secret of this test"});
  }

 private:
  ServerFolder folder_;
};

class S3 final : public StoreServer {
 public:
  explicit S3(S3Access access) : server_(S3Kind::strict, access) {}
  std::unique_ptr<ObjectStore> open(Clock now) const override {
    return open_object_store(server_.url(), {std::move(now), {}, {}});
  }

 private:
  S3Server server_;
};

class Gcs final : public StoreServer {
 public:
  explicit Gcs(GcsAccess access) : server_(access) {}
  std::unique_ptr<ObjectStore> open(Clock now) const override {
    return open_object_store(server_.url(), {std::move(now), {}, {}});
  }

 private:
  GcsServer server_;
};

}  // namespace

StoreKind s3_kind(S3Access access) {
  return {std::string("S3") + (access.virtual_hosted ? "Virtual" : "") + (access.session ? "Session" : ""),
          [access] { return std::make_unique<S3>(access); }};
}

StoreKind gcs_kind(GcsAccess access) {
  const char* const name = access == GcsAccess::key_file ? "GcsKeyFile"
                           : access == GcsAccess::hmac   ? "GcsHmac"
                                                         : "GcsMachine";
  return {name, [access] { return std::make_unique<Gcs>(access); }};
}

StoreKind disk_kind() {
  return {"Disk", [] { return std::make_unique<Disk>(); }};
}

}  // namespace tessera::testing
