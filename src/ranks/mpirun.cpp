// SPDX-License-Identifier: Apache-2.0
#include "ranks/mpirun.hpp"

#include <fmt/format.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <regex>

namespace tessera {
namespace {

/// Open MPI copies between ranks of a host directly from the other's memory where the system allows it, and
/// prints long warnings where it does not: under Yama's ptrace_scope, and in containers that forbid the call.
bool may_read_other_processes() {
  int scope = 0;
  if (std::ifstream file("/proc/sys/kernel/yama/ptrace_scope"); file >> scope && scope != 0) {
    return false;
  }
  char from = 1;
  char to = 0;
  const iovec local{&to, 1};
  const iovec remote{&from, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

}  // namespace

std::vector<std::string> mpirun_command(const MpirunOptions& options,
                                        const std::vector<std::string>& program) {
  // The engine starts its own threads; with core binding they would share one core.
  std::vector<std::string> command{"mpirun",    "-n",   std::to_string(options.ranks),
                                   "--bind-to", "none", "--oversubscribe"};
  for (const std::string& variable : options.variables) {
    command.insert(command.end(), {"-x", variable});
  }
  if (!options.hostfile.empty()) {
    command.insert(command.end(), {"--hostfile", options.hostfile});
  }
  command.insert(command.end(), program.begin(), program.end());
  return command;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

std::vector<std::string> mpirun_environment(
    std::vector<std::string> environment, const std::vector<std::pair<std::string, std::string>>& additions) {
  const auto set = [&](const std::string& name, const std::string& value) {
    const std::string start = name + "=";
    if (std::ranges::none_of(environment, [&](const auto& entry) { return entry.starts_with(start); })) {
      environment.push_back(start + value);
    }
  };
  for (const auto& [name, value] : additions) {
    set(name, value);
  }
  // Waiting ranks should yield to other threads on the same cores.
  set("OMPI_MCA_mpi_yield_when_idle", "1");
  // Without keepalive probes mpirun would wait ten minutes for a lost host.
  set("OMPI_MCA_oob_tcp_keepalive_time", "3");
  set("OMPI_MCA_oob_tcp_keepalive_intvl", "1");
  set("OMPI_MCA_oob_tcp_keepalive_probes", "3");
  if (!may_read_other_processes()) {
    set("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
  }
  if (geteuid() == 0) {
    set("OMPI_ALLOW_RUN_AS_ROOT", "1");
    set("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return environment;
}

std::vector<char*> exec_vector(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) {
    result.push_back(string.data());
  }
  result.push_back(nullptr);
  return result;
}

std::string explain_lost_ranks(const std::string& noise, int mpirun_status) {
  std::smatch found;
  if (std::regex_search(
          noise, found,
          std::regex("process rank ([0-9]+) with PID [0-9]+ on\\s+node (\\S+) exited on\\s+signal "
                     "([0-9]+)( \\([^)]*\\))?"))) {
    return fmt::format(
        "Rank {} on {} died of signal {}{}. The other ranks were stopped and no result "
        "was written; try again.",
        found[1].str(), found[2].str(), found[3].str(), found[4].str());
  }
  if (std::regex_search(noise, found, std::regex("Remote daemon: \\S+ on node (\\S+)"))) {
    return fmt::format(
        "The connection to the host {} was lost. The ranks were stopped and no result was written; check "
        "whether the host and the network to it are up, and try again.",
        found[1].str());
  }
  // mpirun also reports this when a remote daemon notices a network failure first.
  if (noise.find("unable to reliably start one or more daemons") != std::string::npos) {
    return "The connection to one of the hosts was lost, or could not be made. No result was written; see "
           "whether the hosts in the hostfile are up, can be logged in to and have Tessera installed, and "
           "try "
           "again.";
  }
  if (std::regex_search(noise, found, std::regex("Process name: \\[\\[[0-9]+,[0-9]+\\],([0-9]+)\\]"))) {
    return fmt::format(
        "Rank {} ended early. The other ranks were stopped and no result was written; use --verbose to "
        "see its output.",
        found[1].str());
  }
  std::string output;
  std::size_t begin = 0;
  while (begin < noise.size() && output.size() < 300) {
    const std::size_t end = std::min(noise.find('\n', begin), noise.size());
    const std::string line = noise.substr(begin, end - begin);
    if (!line.empty() && line.find_first_not_of("-= ") != std::string::npos) {
      output += (output.empty() ? "" : " ") + line;
    }
    begin = end + 1;
  }
  const std::string how = WIFSIGNALED(mpirun_status)
                              ? fmt::format("was ended by signal {}", WTERMSIG(mpirun_status))
                              : fmt::format("ended with {}", WEXITSTATUS(mpirun_status));
  return fmt::format("The ranks ended before they were done: mpirun {}{}.", how,
                     output.empty() ? "" : " and printed: " + output);
}

}  // namespace tessera
