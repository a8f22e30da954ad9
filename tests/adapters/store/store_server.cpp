#include "adapters/store/store_server.hpp"

#include "adapters/open.hpp"
#include "servers/s3_server.hpp"
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
  std::unique_ptr<ObjectStore> open(Clock now) const override {
    return open_object_store(server_.url(), {std::move(now), {}, {}});
  }

 private:
  S3Server server_;
};

}  // namespace

StoreKind s3_kind() {
  return {"S3", [] { return std::make_unique<S3>(); }};
}

StoreKind disk_kind() {
  return {"Disk", [] { return std::make_unique<Disk>(); }};
}

}  // namespace tessera::testing
