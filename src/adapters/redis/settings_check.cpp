// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/settings_check.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera::redis {

void check_settings(Connection& connection, const std::function<void(const std::string& sentence)>& warn) {
  const std::string server = connection.shown();
  const auto setting = [&](const char* name) {
    const Reply reply = connection.command({"CONFIG", "GET", name});
    return reply.list.size() == 2 ? reply.list[1].text : std::string();
  };
  try {
    const std::string appendonly = setting("appendonly");
    const std::string appendfsync = setting("appendfsync");
    if (appendonly != "yes") {
      warn(fmt::format(
          "{} runs with 'appendonly {}': accepted jobs are lost when it stops. Set 'appendonly yes' "
          "and 'appendfsync always'.",
          server, appendonly));
    } else if (appendfsync != "always") {
      warn(fmt::format(
          "{} runs with 'appendfsync {}': a power failure loses the jobs that were accepted in the last "
          "second or more. Set 'appendfsync always'.",
          server, appendfsync));
    }
    if (connection.address().has_sentinels() && connection.address().replicas == 0) {
      warn(
          fmt::format("{} may be replaced by a replica that lacks the last changes: jobs that were accepted "
                      "shortly before a failover are lost. Add 'replicas=1' to the URL of the state store.",
                      server));
    }
    const std::string limit = setting("maxmemory");
    const std::string policy = setting("maxmemory-policy");
    if (limit != "0" && policy != "noeviction") {
      warn(
          fmt::format("{} runs with 'maxmemory {}' and 'maxmemory-policy {}': when memory is short, it drops "
                      "jobs or what belongs to them. Set 'maxmemory-policy noeviction'.",
                      server, limit, policy));
    }
  } catch (const Error& error) {
    warn(fmt::format("The durability settings of {} cannot be checked, because it rejects CONFIG GET: {}",
                     server, error.what()));
  }
}

}  // namespace tessera::redis
