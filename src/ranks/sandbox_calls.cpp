// SPDX-License-Identifier: Apache-2.0
// seccomp: restricts system calls.
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "ranks/sandbox_parts.hpp"

namespace tessera {
namespace {

// No decoder needs these, with or without MPI.
constexpr std::array forbidden{
    // Other programs and processes.
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(process_madvise),
    SCMP_SYS(process_mrelease), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(kcmp), SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(setpgid), SCMP_SYS(setsid),
    // Other users, namespaces and roots.
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
    SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(setgroups), SCMP_SYS(capset),
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(personality),
    // File systems. Landlock does not see changes of modes and owners.
    SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
    SCMP_SYS(fsopen), SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(mount_setattr),
    SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
    SCMP_SYS(chown), SCMP_SYS(lchown), SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr),
    SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), SCMP_SYS(removexattr), SCMP_SYS(lremovexattr),
    SCMP_SYS(fremovexattr), SCMP_SYS(name_to_handle_at), SCMP_SYS(open_by_handle_at), SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark), SCMP_SYS(quotactl), SCMP_SYS(quotactl_fd), SCMP_SYS(swapon), SCMP_SYS(swapoff),
    SCMP_SYS(nfsservctl),
    // The kernel and the machine.
    SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
    SCMP_SYS(reboot), SCMP_SYS(acct), SCMP_SYS(syslog), SCMP_SYS(settimeofday), SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime), SCMP_SYS(adjtimex), SCMP_SYS(sethostname), SCMP_SYS(setdomainname),
    SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(modify_ldt), SCMP_SYS(vhangup), SCMP_SYS(lookup_dcookie),
    // Keys, and io_uring, which bypasses this filter.
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)};

// Newer than the library; all architectures use the same numbers: fchmodat2, setxattrat, removexattrat and
// open_tree_attr.
constexpr std::array forbidden_by_number{452, 463, 466, 467};

// Without MPI, the rank's only connection is open already. MPI opens connections when ranks first
// communicate.
constexpr std::array forbidden_without_mpi{
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),  SCMP_SYS(bind),  SCMP_SYS(listen),
    SCMP_SYS(accept), SCMP_SYS(accept4),    SCMP_SYS(shmget),   SCMP_SYS(shmat), SCMP_SYS(semget),
    SCMP_SYS(msgget), SCMP_SYS(mq_open),    SCMP_SYS(mq_unlink)};

#ifdef __s390x__
constexpr unsigned flags_of_clone = 1;
#else
constexpr unsigned flags_of_clone = 0;
#endif

struct Release {
  void operator()(scmp_filter_ctx filter) const { ::seccomp_release(filter); }
};

class Filter {
 public:
  Filter() : filter_(::seccomp_init(SCMP_ACT_ALLOW)) {
    if (!filter_) {
      failure_ = ENOMEM;
      return;
    }
    // Includes threads that libraries have started already.
    note(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    // Done in sandbox.cpp.
    note(::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_NNP, 0));
  }
  void deny(int call, int error = EPERM) { add(call, error, nullptr, 0); }
  void deny_if(int call, const scmp_arg_cmp& condition) { add(call, EPERM, &condition, 1); }
  /// Zero, or errno.
  [[nodiscard]] int load() {
    if (failure_ == 0) {
      note(::seccomp_load(filter_.get()));
    }
    return failure_;
  }

 private:
  void add(int call, int error, const scmp_arg_cmp* conditions, unsigned count) {
    if (filter_ && call != __NR_SCMP_ERROR) {
      const int result = ::seccomp_rule_add_array(filter_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)),
                                                  call, count, conditions);
      // Calls of other architectures have no number here.
      note(result == -EDOM || result == -EINVAL ? 0 : result);
    }
  }
  void note(int result) { failure_ = failure_ == 0 && result < 0 ? -result : failure_; }

  std::unique_ptr<void, Release> filter_;
  int failure_ = 0;
};

}  // namespace

std::optional<std::string> restrict_system_calls(bool mpi) {
  Filter filter;
  for (const int call : forbidden) {
    filter.deny(call);
  }
  for (const int call : forbidden_by_number) {
    filter.deny(call);
  }
  if (!mpi) {
    for (const int call : forbidden_without_mpi) {
      filter.deny(call);
    }
  }
  // Threads are allowed, processes are not. The flags of clone3 are in memory, which filters cannot inspect;
  // the C library falls back to clone if clone3 does not exist.
  filter.deny_if(SCMP_SYS(clone), SCMP_CMP(flags_of_clone, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  filter.deny(SCMP_SYS(clone3), ENOSYS);
  const auto self = static_cast<scmp_datum_t>(::getpid());
  filter.deny_if(SCMP_SYS(kill), SCMP_CMP(0, SCMP_CMP_NE, self));
  filter.deny_if(SCMP_SYS(tgkill), SCMP_CMP(0, SCMP_CMP_NE, self));
  // Zero means the calling process.
  filter.deny_if(SCMP_SYS(prlimit64), SCMP_CMP(0, SCMP_CMP_NE, 0));
  // TIOCSTI inserts input into a terminal.
  filter.deny_if(SCMP_SYS(ioctl), SCMP_CMP(1, SCMP_CMP_MASKED_EQ, 0xffffffffU, TIOCSTI));
  if (const int error = filter.load(); error != 0) {
    return fmt::format("no limits on system calls (seccomp: {})", std::strerror(error));
  }
  return std::nullopt;
}

}  // namespace tessera
