// SPDX-License-Identifier: Apache-2.0
// A compromised decoder: enters the sandbox as a rank does and then tries what an attacker would.
// Prints "NAME ok" or "NAME denied" for each, with an 'ok' that means that it worked.
//   hostile_decoder MODE mpi|alone FOLDER SECRET-FILE PORT
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "ranks/sandbox.hpp"

namespace {

void tell(const char* name, bool worked) { std::printf("%s %s\n", name, worked ? "ok" : "denied"); }

bool can_open(const std::string& path, int flags = O_RDONLY) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
  }
  return file >= 0;
}

/// Whether a child process came to be, by `make`, which returns twice as fork does.
template <class Make>
bool can_make_process(const Make& make) {
  const long child = make();
  if (child == 0) {
    ::_exit(0);
  }
  if (child > 0) {
    ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  }
  return child > 0;
}

bool can_connect(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(port));
  target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&target), sizeof target) == 0;
}

/// All calls that are refused in the kernel before anything happens; without the sandbox some need more
/// rights.
void try_the_system(pid_t parent) {
  tell("ptrace-parent", ::ptrace(PTRACE_SEIZE, parent, nullptr, nullptr) == 0);
  char byte = 0;
  const iovec local{&byte, 1};
  const iovec remote{reinterpret_cast<void*>(&byte), 1};
  tell("read-parent-memory", ::process_vm_readv(parent, &local, 1, &remote, 1, 0) == 1);
  tell("signal-parent", ::kill(parent, 0) == 0);
  tell("pidfd-parent", ::syscall(SYS_pidfd_open, parent, 0) >= 0);
  tell("parent-environment", can_open("/proc/" + std::to_string(parent) + "/environ"));
  tell("mount", ::mount("none", "/no/such/folder", "tmpfs", 0, nullptr) == 0 || errno != EPERM);
  tell("unshare", ::unshare(CLONE_NEWUSER) == 0);
  tell("keyctl", ::syscall(SYS_keyctl, 0, -3, 0, 0, 0) >= 0);
  std::array<unsigned char, 120> ring{};
  tell("io-uring", ::syscall(SYS_io_uring_setup, 1, ring.data()) >= 0);
  perf_event_attr event{};
  event.type = PERF_TYPE_SOFTWARE;
  event.size = sizeof event;
  event.exclude_kernel = 1;
  tell("perf", ::syscall(SYS_perf_event_open, &event, 0, -1, -1, 0) >= 0);
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) {
    return 2;
  }
  const std::string folder = words[3];
  const std::string secret = words[4];
  const std::string beside = secret + ".new";
  const bool mpi = std::strcmp(words[2], "mpi") == 0;
  const pid_t parent = ::getppid();
  try {
    const auto missing =
        tessera::enter_sandbox({folder, {}, mpi}, tessera::sandbox_mode_named(words[1]).value());
    for (const std::string& part : missing) {
      std::printf("missing %s\n", part.c_str());
    }
  } catch (const tessera::Error& error) {
    std::printf("refused %s\n", error.what());
    return 3;
  }
  // Files.
  tell("read-secret", can_open(secret));
  tell("read-secret-by-root", can_open("/proc/self/root" + secret));
  tell("read-secret-in-thread", [&] {
    bool opened = false;
    std::thread([&] { opened = can_open(secret); }).join();
    return opened;
  }());
  tell("write-secret", can_open(secret, O_WRONLY));
  tell("write-outside", can_open(beside, O_WRONLY | O_CREAT));
  tell("list-outside", can_open(std::filesystem::path(secret).parent_path(), O_RDONLY | O_DIRECTORY));
  tell("link-secret", ::link(secret.c_str(), (folder + "/hard").c_str()) == 0);
  tell("symlink", ::symlink(secret.c_str(), (folder + "/soft").c_str()) == 0);
  tell("chmod-secret", ::chmod(secret.c_str(), 0644) == 0);
  tell("truncate-secret", ::truncate(secret.c_str(), 5) == 0);
  tell("write-library", can_open("/usr/tessera-was-here", O_WRONLY | O_CREAT));
  ::unlink("/usr/tessera-was-here");
  // Network.
  tell("connect", can_connect(std::stoi(words[5])));
  tell("datagrams", ::socket(AF_INET, SOCK_DGRAM, 0) >= 0);
  tell("unix-socket", ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  // Processes.
  tell("fork", can_make_process([] { return ::fork(); }));
  tell("raw-fork", can_make_process([] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }));
  tell("clone3", can_make_process([] {
         std::array<std::uint64_t, 11> request{};
         request[4] = SIGCHLD;
         return ::syscall(SYS_clone3, request.data(), request.size() * sizeof request[0]);
       }));
  tell("fork-bomb", [] {
    bool any = false;
    for (int i = 0; i < 100; ++i) {
      any = can_make_process([] { return ::fork(); }) || any;
    }
    return any;
  }());
  try_the_system(parent);
  // What decoders do need.
  tell("needed-folder", [&] {
    const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    const std::string self = "/proc/self/fd/" + std::to_string(file);
    const std::string name = folder + "/result";
    return file >= 0 && ::write(file, "x", 1) == 1 &&
           ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, (name + ".part").c_str(), AT_SYMLINK_FOLLOW) == 0 &&
           ::rename((name + ".part").c_str(), name.c_str()) == 0 && can_open(name, O_RDWR) &&
           ::unlink(name.c_str()) == 0;
  }());
  tell("needed-thread", [] {
    bool ran = false;
    std::thread([&] { ran = true; }).join();
    return ran;
  }());
  tell("needed-library", ::dlopen("libjpeg.so.62", RTLD_NOW) != nullptr);
  tell("needed-processors", can_open("/proc/cpuinfo") && can_open("/proc/self/statm"));
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  tell("core-dump", core.rlim_max != 0);
  std::fflush(stdout);
  // Last, as it ends this program where it works.
  ::execl("/bin/sh", "sh", "-c", "echo exec ok", nullptr);
  tell("exec", false);
  return 0;
}
