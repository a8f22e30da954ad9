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

}  // namespace

StoreKind disk_kind() {
  return {"Disk", [] { return std::make_unique<Disk>(); }};
}

}  // namespace tessera::testing
