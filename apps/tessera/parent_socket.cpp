// SPDX-License-Identifier: Apache-2.0
#include "parent_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.hpp"

namespace tessera::cli {

FileDescriptor take_parent_socket(std::string_view command, std::string_view parent) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(STDOUT_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    throw Error(ErrorCode::usage, fmt::format("'tessera {}' is started by 'tessera {}', with a socket as its "
                                              "standard output: start that instead.",
                                              command, parent));
  }
  FileDescriptor socket(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!socket || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw Error(ErrorCode::io, fmt::format("The socket to 'tessera {}' cannot be used.", parent));
  }
  return socket;
}

}  // namespace tessera::cli
