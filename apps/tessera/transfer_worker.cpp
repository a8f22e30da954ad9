// SPDX-License-Identifier: Apache-2.0
// Transfers objects for a rank, which has no network: see ranks/transfer.hpp. It is started by 'tessera worker', with a
// socket as its standard output over which it gets its lanes, and ends when the rank does.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/printable.hpp"
#include "codec/io/objects.hpp"
#include "command.hpp"
#include "parent_socket.hpp"
#include "ranks/channel.hpp"
#include "ranks/messages.hpp"
#include "ranks/transfer.hpp"

namespace tessera::cli {
namespace {

/// A store that refuses the node's link, or does not understand it, is not the job's fault.
template <class Transfer>
auto by_link(const Transfer& transfer) {
  try {
    return transfer();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::forbidden || error.code() == ErrorCode::usage) {
      throw Error(ErrorCode::unavailable, error.what());
    }
    throw;
  }
}

class Transfers final : public TransferHandler {
 public:
  explicit Transfers(std::string key) : key_(std::move(key)) {}

  void read(const std::string& signed_grant, std::int64_t first, std::int64_t count, const TransferSink& out,
            const std::stop_token& stop) override {
    const TransferGrant grant = checked(signed_grant, transfer_grant);
    by_link([&] { objects_module().read_range(grant.link, grant.version, first, count, out, stop); });
  }

  std::string write(const std::string& signed_grant, std::int64_t count,
                    const std::function<std::vector<std::byte>()>& body,
                    const std::stop_token& stop) override {
    const UploadGrant grant = checked(signed_grant, upload_grant);
    if (grant.size_bytes != count) {
      throw Error(ErrorCode::forbidden, fmt::format("The node has granted a part of {} bytes, not of {}.",
                                                    grant.size_bytes, count));
    }
    const std::vector<std::byte> bytes = body();
    return by_link([&] { return objects_module().upload_part(grant.link, bytes, stop); });
  }

 private:
  /// A rank may use the grants of its task, and none from before: tickets only grow.
  template <class Grant>
  Grant checked(const std::string& signed_grant, Grant (*parse)(std::string_view)) {
    const auto [signature, line] = split_grant(signed_grant);
    if (!objects_module().is_signed(key_, line, signature)) {
      throw Error(ErrorCode::forbidden, "The node has not granted this object.");
    }
    Grant grant = parse(line);
    const std::scoped_lock lock(mutex_);
    if (grant.ticket < ticket_) {
      throw Error(ErrorCode::forbidden, "The grant of this object is of an earlier task.");
    }
    ticket_ = grant.ticket;
    return grant;
  }

  const std::string key_;
  std::mutex mutex_;
  std::int64_t ticket_ = 0;  ///< guarded by mutex_: the newest that was used
};

int work() {
  const char* const key = std::getenv(transfer_key_variable);
  if (key == nullptr) {
    throw Error(ErrorCode::usage,
                fmt::format("'tessera transfer-worker' is started by 'tessera worker', which sets {}: start "
                            "'tessera node' instead.",
                            transfer_key_variable));
  }
  Transfers transfers(key);
  RankChannel channel(take_parent_socket("transfer-worker", "worker"), RankChannel::Files::accepted);
  while (channel.receive()) {
    FileDescriptor lane = channel.next_attached();
    std::thread([&transfers, lane = std::move(lane)] {
      try {
        serve_transfers(lane, transfers);
      } catch (const std::exception& error) {
        fmt::print(stderr, "tessera: {}\n", printable(error.what()));
      }
    }).detach();
  }
  std::_Exit(0);  // transfers that are under way are of no use without the rank
}

}  // namespace

Command add_transfer_worker(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("transfer-worker", "Transfers objects for 'tessera worker', which starts it");
  app->group("");  // not for people
  return {app, work};
}

}  // namespace tessera::cli
