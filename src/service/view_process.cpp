// SPDX-License-Identifier: Apache-2.0
#include "service/view_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "ranks/child.hpp"

namespace tessera::service {
namespace {

constexpr std::int64_t ticket = 1;  // one request at a time

[[noreturn]] void fail_to(const std::string& what) {
  throw Error(ErrorCode::unavailable,
              fmt::format("Cannot {}: {}.", what, std::generic_category().message(errno)));
}

/// A file in memory that can be filled up to `bytes` and not beyond.
FileDescriptor limited_memory_file(std::int64_t bytes) {
  FileDescriptor file(::memfd_create("tessera-part", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || ::ftruncate(file.get(), bytes) != 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    fail_to("make a file in memory");
  }
  return file;
}

/// Throws Error(rank_lost) for an answer of another kind.
template <class Message>
Message shown_as(const ViewReply& reply) {
  const auto* const message = std::get_if<Message>(&reply);
  if (message == nullptr) {
    throw Error(ErrorCode::rank_lost, "it answered something else than it was asked");
  }
  return *message;
}

std::string content_of(const FileDescriptor& file, std::int64_t bytes) {
  std::string content(static_cast<std::size_t>(bytes), '\0');
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count =
        ::pread(file.get(), content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (count <= 0 && errno != EINTR) {
      fail_to("read a part back from memory");
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return content;
}

/// What is told of an image or a request. Whatever else a process says that was taken over is not passed on.
bool may_be_told(ErrorCode code) {
  switch (code) {
    case ErrorCode::unknown_operator:
    case ErrorCode::bad_parameter:
    case ErrorCode::unsupported_input:
    case ErrorCode::damaged_input:
    case ErrorCode::limit_exceeded:
    case ErrorCode::io:
    case ErrorCode::internal:
      return true;
    default:
      return false;
  }
}

}  // namespace

ViewProcess::ViewProcess(const ViewPoolOptions& options, std::string owner)
    : options_(options), owner_(std::move(owner)) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    fail_to("make a socket");
  }
  channel_ = std::make_unique<RankChannel>(FileDescriptor(ends[0]));
  channel_->limit_sending(options.time_limit);
  const FileDescriptor child_end(ends[1]);
  const StartedChild child =
      start_child({options.program.string(), "view-worker", "--folder", options.folder.string(), "--sandbox",
                   std::string(name_of(options.sandbox)), "--memory", std::to_string(options.memory_bytes),
                   "--max-part-bytes", std::to_string(options.max_part_bytes), "--threads",
                   std::to_string(options.threads)},
                  environment_for_ranks(), {.out = child_end.get()});
  pid_ = child.pid;
  if (child.failure != 0) {
    end();
    errno = child.failure;
    fail_to(fmt::format("start '{}'", options.program.string()));
  }
}

void ViewProcess::stop() {
  stopped_ = true;
  ::kill(-pid_, SIGKILL);
  channel_->shut_down();
}

void ViewProcess::end() {
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

ViewReply ViewProcess::ask(const ViewRequest& request, const FileDescriptor& file) {
  if (!channel_->send(to_line(request), file.get())) {
    throw ViewProcessLost();
  }
  const std::optional<std::string> line = channel_->receive();
  if (!line) {
    throw ViewProcessLost();
  }
  ViewReply reply = view_reply(*line);
  if (const auto* const failed = std::get_if<Failed>(&reply)) {
    const ErrorCode code = error_code_named(failed->code).value_or(ErrorCode::internal);
    throw may_be_told(code) ? Error(code, printable(failed->sentence))
                            : Error(ErrorCode::rank_lost, "it said what no such process says");
  }
  return reply;
}

ViewProcess::Shown ViewProcess::show(const ViewedFile& image, const std::optional<ShowPart>& part) {
  Shown shown;
  shown.image =
      shown_as<ImageShown>(ask(ShowImage{ticket, image.key, image.name, image.pipeline, options_.image_limits,
                                         options_.max_read_pixels, options_.max_part_pixels},
                               *image.file));
  if (part) {
    ShowPart wanted = *part;
    wanted.ticket = ticket;
    const FileDescriptor memory = limited_memory_file(options_.max_part_bytes);
    const std::int64_t bytes = shown_as<PartShown>(ask(wanted, memory)).bytes;
    if (bytes > options_.max_part_bytes) {
      throw Error(ErrorCode::rank_lost, "it said that it made more than fits");
    }
    shown.part = content_of(memory, bytes);
  }
  return shown;
}

}  // namespace tessera::service
