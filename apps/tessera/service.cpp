// SPDX-License-Identifier: Apache-2.0
// Commands of the service program, which is apart so that the engine's command need not load what it links.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "command.hpp"
#include "ranks/mpirun.hpp"

namespace tessera::cli {
namespace {

struct ServiceCommand {
  const char* name;
  const char* doc;
};

constexpr std::array service_commands{
    ServiceCommand{"serve", "Run the whole service on this machine"},
    ServiceCommand{"submit", "Send images to a service"},
    ServiceCommand{"watch", "Follow jobs until they end"},
    ServiceCommand{"status", "Show a job or a batch"},
    ServiceCommand{"get", "Download results"},
    ServiceCommand{"cancel", "Cancel a job or a batch"},
    ServiceCommand{"retry", "Try failed or cancelled jobs again"},
    ServiceCommand{"ls", "List jobs"},
    ServiceCommand{"nodes", "List processing nodes"},
    ServiceCommand{"dead", "List, retry or drop what was set aside"},
    ServiceCommand{"token", "Say who may use a service"},
    ServiceCommand{"gateway", "Run a gateway of the distributed system"},
    ServiceCommand{"node", "Run a processing node of the distributed system"},
    ServiceCommand{"notifier", "Run a notifier of the distributed system"},
};

}  // namespace

void add_service_commands(CLI::App& program) {
  for (const ServiceCommand& command : service_commands) {
    program.add_subcommand(command.name, command.doc)->group("Service");
  }
}

bool is_service_command(const Arguments& arguments) {
  return !arguments.empty() && std::ranges::any_of(service_commands, [&](const auto& command) {
    return arguments[0] == command.name;
  });
}

int become_service(const Arguments& arguments) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::vector<std::string> words{"tessera"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::vector<char*> pointers = exec_vector(words);
  for (const auto& program : {here / "tessera-service", here / TESSERA_SERVICE_DIR / "tessera-service"}) {
    if (std::filesystem::exists(program)) {
      ::execv(program.c_str(), pointers.data());
      throw Error(ErrorCode::io,
                  fmt::format("Cannot start '{}': {}.", program.string(), std::strerror(errno)));
    }
  }
  throw Error(
      ErrorCode::not_found,
      fmt::format("'tessera {}' needs the program tessera-service, which is not beside '{}': install it.",
                  arguments[0], here.string()));
}

}  // namespace tessera::cli
