// SPDX-License-Identifier: Apache-2.0
// What the contract suite runs against: one object store, empty at first.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/object_store.hpp"
#include "servers/gcs_server.hpp"
#include "servers/s3_server.hpp"

namespace tessera::testing {

class StoreServer {
 public:
  virtual ~StoreServer() = default;
  [[nodiscard]] virtual std::unique_ptr<ObjectStore> open(Clock now = system_now) const = 0;
};

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreServer>()> make;
};

[[nodiscard]] StoreKind disk_kind();
[[nodiscard]] StoreKind s3_kind(S3Access access = {});
[[nodiscard]] StoreKind gcs_kind(GcsAccess access);

}  // namespace tessera::testing
