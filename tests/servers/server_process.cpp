// SPDX-License-Identifier: Apache-2.0
#include "servers/server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "ranks/mpirun.hpp"

namespace tessera::testing {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// The state and the group of a process or thread (proc(5), /proc/PID/stat); none if it is gone.
std::pair<char, pid_t> state_and_group(const std::filesystem::path& folder) {
  const std::string text = read_file(folder / "stat");
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  char state = 'X';
  pid_t parent = 0;
  pid_t group = 0;
  fields >> state >> parent >> group;
  return {state, group};
}

/// Whether no thread of any process of that group runs any more.
bool stands_still(pid_t group) {
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(process.path().filename().string()[0])) == 0 ||
        state_and_group(process).second != group) {
      continue;
    }
    std::error_code gone;
    for (const auto& thread : std::filesystem::directory_iterator(process.path() / "task", gone)) {
      if (const char state = state_and_group(thread).first; state != 'T' && state != 'Z' && state != 'X') {
        return false;
      }
    }
  }
  return true;
}

bool accepts(int port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(descriptor);
  return connected;
}

bool is_free(int port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool free = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(descriptor);
  return free;
}

std::string end_of(const std::filesystem::path& log) {
  std::ifstream file(log);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  return all.size() > 2000 ? all.substr(all.size() - 2000) : all;
}

}  // namespace

int free_port() {
  // Below the range from which the kernel takes ports for outgoing connections, so that none of those gets it
  // before the server is up.
  constexpr int first = 12'000;
  constexpr int count = 20'000;
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("tessera-test-ports-{}", ::geteuid());
  std::filesystem::create_directories(folder);
  std::random_device random;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const int port = first + static_cast<int>(random() % count);
    // Another test that runs now may have chosen it for a server that is not up yet: the lock is held as long
    // as this process lives.
    const int lock = ::open((folder / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
      throw std::runtime_error(
          fmt::format("cannot reserve a port in {}: {}", folder.string(), std::strerror(errno)));
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0 && is_free(port)) {
      return port;
    }
    ::close(lock);
  }
  throw std::runtime_error("no port is free");
}

ServerFolder::ServerFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tessera-server-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error(fmt::format("cannot make {}: {}", name, std::strerror(errno)));
  }
  path_ = name;
}

ServerFolder::~ServerFolder() {
  std::error_code ignored;  // a server that was killed may leave sockets that go away meanwhile
  std::filesystem::remove_all(path_, ignored);
}

ServerProcess::ServerProcess(std::vector<std::string> command, const Environment& environment,
                             std::filesystem::path log, const std::filesystem::path& working_folder)
    : log_(std::move(log)) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    bool replaced = false;
    for (const auto& [key, value] : environment) {
      replaced = replaced || key == name;
    }
    if (!replaced) {
      variables.emplace_back(*entry);
    }
  }
  for (const auto& [key, value] : environment) {
    variables.emplace_back(key).append("=").append(value);
  }
  const std::vector<char*> arguments = exec_vector(command);
  const std::vector<char*> variable_pointers = exec_vector(variables);
  const int output = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    if (!working_folder.empty() && ::chdir(working_folder.c_str()) != 0) {
      ::dprintf(STDERR_FILENO, "cannot work in %s: %s\n", working_folder.c_str(), std::strerror(errno));
      ::_exit(127);
    }
    ::execvpe(arguments[0], arguments.data(), variable_pointers.data());
    ::dprintf(STDERR_FILENO, "cannot start %s: %s\n", arguments[0], std::strerror(errno));
    ::_exit(127);
  }
  ::setpgid(pid_, pid_);
  ::close(output);
}

ServerProcess::~ServerProcess() { stop(); }

bool ServerProcess::running() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) {
    pid_ = -1;
  }
  return pid_ > 0;
}

void ServerProcess::wait_until_ready(int port, const std::function<bool()>& ready,
                                     std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!(accepts(port) && (!ready || ready()))) {
    if (!running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the server did not come up:\n" + end_of(log_));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a foreign server announces nothing
  }
}

void ServerProcess::signal_group(int signal) const {
  if (pid_ > 0) {
    ::kill(-pid_, signal);
  }
}

void ServerProcess::stop() {
  signal_group(SIGCONT);
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
  }
  for (int waited = 0; running() && waited < 500; ++waited) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  kill();
}

void ServerProcess::kill() {
  signal_group(SIGKILL);
  if (pid_ > 0) {
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

void ServerProcess::suspend() {
  signal_group(SIGSTOP);
  // On a busy machine the others run on until the one thread that was told has had its turn.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!stands_still(pid_)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the server does not stand still");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // its children announce nothing
  }
}
void ServerProcess::resume() { signal_group(SIGCONT); }

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace tessera::testing
