// SPDX-License-Identifier: Apache-2.0
#include "servers/other_host.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace tessera::testing {
namespace {

bool works(const std::string& unshare) { return std::system((unshare + " true 2> /dev/null").c_str()) == 0; }

/// Open MPI reaches the other host as it reaches itself.
std::vector<std::pair<const char*, std::string>> variables(const std::string& agent) {
  return {{"OMPI_MCA_plm_rsh_agent", agent},
          {"OMPI_MCA_oob_tcp_if_include", "lo"},
          {"OMPI_MCA_btl_tcp_if_include", "lo"}};
}

}  // namespace

OtherHost::OtherHost(const std::filesystem::path& folder, const std::filesystem::path& hidden)
    : folder_(folder) {
  std::string unshare = "unshare --mount --uts";
  if (!works(unshare)) {
    unshare += " --user --map-root-user";
  }
  available_ = works(unshare);
  const std::filesystem::path agent = folder / "agent";  // in the place of ssh: HOST COMMAND...
  std::ofstream(agent) << fmt::format(
      "#!/bin/sh\nhost=$1; shift\nexec {} sh -c \"hostname $host; mount -t tmpfs none {}; $*\"\n", unshare,
      hidden.string());
  std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
  std::ofstream(hostfile()) << "localhost slots=1\nelsewhere slots=1\n";
  for (const auto& [name, value] : variables(agent.string())) {
    ::setenv(name, value.c_str(), 1);
  }
}

OtherHost::~OtherHost() {
  for (const auto& [name, value] : variables({})) {
    ::unsetenv(name);
  }
}

}  // namespace tessera::testing
