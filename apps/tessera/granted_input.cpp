// SPDX-License-Identifier: Apache-2.0
#include "granted_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/io/input.hpp"
#include "ranged/ranged_input.hpp"
#include "ranks/messages.hpp"

namespace tessera::cli {
namespace {

class GrantedObject final : public RangedObject {
 public:
  GrantedObject(TransferLanes& lanes, std::string grant, std::stop_token stop)
      : lanes_(lanes), grant_(std::move(grant)), stop_(std::move(stop)) {}

  void read(std::int64_t first, std::int64_t count, ByteSink& out) override {
    lanes_.read(
        grant_, first, count, [&out](std::span<const std::byte> bytes) { out.write(bytes); }, stop_);
  }

 private:
  TransferLanes& lanes_;
  std::string grant_;
  std::stop_token stop_;
};

}  // namespace

std::shared_ptr<const ObjectInput> open_granted(TransferLanes& lanes, const std::string& grant,
                                                const std::string& name, int first_bytes,
                                                const std::stop_token& stop) {
  const TransferGrant granted = transfer_grant(split_grant(grant).line);
  OpenedObject opened;
  opened.object = std::make_unique<GrantedObject>(lanes, grant, stop);
  opened.size = granted.size_bytes;
  opened.version = granted.version;
  if (first_bytes >= 0) {
    const auto head = open_descriptor_input(first_bytes, name);
    opened.head.resize(static_cast<std::size_t>(std::min(head->size(), granted.size_bytes)));
    opened.head.resize(head->read_at(0, opened.head));
  }
  RangedReading reading;
  reading.max_requests = lanes.size();
  return std::make_shared<RangedInput>(std::move(opened), fmt::format("'{}'", name), reading);
}

}  // namespace tessera::cli
