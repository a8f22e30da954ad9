// SPDX-License-Identifier: Apache-2.0
#include "process/host_share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"

namespace tessera {
namespace {

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

HostShare share_of_host(Communicator& comm, int threads) {
  const auto host_of = [](std::string_view location) { return location.substr(0, location.rfind(':')); };
  const std::vector<int> mine = affinity();
  std::string told = comm.location();
  for (const int core : mine) {
    told += fmt::format(" {}", core);
  }
  HostShare share;
  std::set<std::string> cores;
  for (const Bytes& bytes : all_gather_bytes(comm, bytes_of(told))) {
    std::istringstream words(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    std::string location;
    words >> location;
    if (host_of(location) == host_of(comm.location())) {
      ++share.ranks;
      cores.insert(std::istream_iterator<std::string>(words), {});
    }
  }
  if (threads > 0) {
    share.threads = threads;
  } else if (cores.size() > mine.size()) {
    share.threads =
        std::max(1, std::min(usable_cores(), static_cast<int>(cores.size()) / std::max(1, share.ranks)));
  } else {
    share.threads = cores_for_each_of(share.ranks);
  }
  return share;
}

}  // namespace tessera
