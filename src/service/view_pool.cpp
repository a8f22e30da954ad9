// SPDX-License-Identifier: Apache-2.0
#include "service/view_pool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <optional>
#include <system_error>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "ranks/channel.hpp"
#include "ranks/child.hpp"

namespace tessera::service {
namespace {

constexpr std::chrono::milliseconds check_interval{200};
constexpr std::chrono::milliseconds max_wait_for_others{500};
constexpr std::int64_t ticket = 1;  // one request at a time
constexpr const char* service_ends = "The service is ending.";

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

/// The process is gone; what it was asked may be asked of another.
class ProcessLost : public std::exception {};

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

struct ViewPool::Task {
  ViewedFile image;
  std::optional<ShowPart> part;
  Time since = std::chrono::steady_clock::now();
  // Guarded by the pool's mutex:
  bool finished = false;
  std::exception_ptr failure;
  // Written before it is finished:
  ImageShown shown;
  std::string content;
};

/// One process. For one thread, but for stop().
class ViewPool::Process {
 public:
  Process(const ViewPoolOptions& options, std::string owner) : owner_(std::move(owner)) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      fail_to("make a socket");
    }
    channel_ = std::make_unique<RankChannel>(FileDescriptor(ends[0]));
    channel_->limit_sending(options.time_limit);
    const FileDescriptor child_end(ends[1]);
    const StartedChild child =
        start_child({options.program.string(), "view-worker", "--folder", options.folder.string(),
                     "--sandbox", std::string(name_of(options.sandbox)), "--memory",
                     std::to_string(options.memory_bytes), "--max-part-bytes",
                     std::to_string(options.max_part_bytes), "--threads", std::to_string(options.threads)},
                    environment_for_ranks(), {.out = child_end.get()});
    pid_ = child.pid;
    if (child.failure != 0) {
      end();
      errno = child.failure;
      fail_to(fmt::format("start '{}'", options.program.string()));
    }
  }
  ~Process() { end(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] const std::string& owner() const { return owner_; }

  ViewReply ask(const ViewRequest& request, int file) {
    if (!channel_->send(to_line(request), file)) {
      throw ProcessLost();
    }
    const std::optional<std::string> line = channel_->receive();
    if (!line) {
      throw ProcessLost();
    }
    return view_reply(*line);
  }

  /// Ends it: whoever waits for an answer gets none.
  void stop() {
    stopped_ = true;
    ::kill(-pid_, SIGKILL);
    channel_->shut_down();
  }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  void end() {
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  std::string owner_;
  pid_t pid_ = -1;
  std::unique_ptr<RankChannel> channel_;
  std::atomic<bool> stopped_ = false;
};

ViewPool::ViewPool(ViewPoolOptions options) : options_(std::move(options)) {
  threads_.emplace_back([this](const std::stop_token& stop) { watch(stop); });
  for (int process = 0; process < options_.processes; ++process) {
    // Processes are sent a signal when the thread that started them ends, so it lives as long as they.
    threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
  }
}

ViewPool::~ViewPool() { end(); }

void ViewPool::end() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    for (const auto& task : waiting_) {
      task->failure = std::make_exception_ptr(Error(ErrorCode::unavailable, service_ends));
      task->finished = true;
    }
    waiting_.clear();
    for (const auto& [process, deadline] : deadlines_) {
      process->stop();
    }
    changed_.notify_all();
  }
  threads_.clear();
}

ImageShown ViewPool::describe(const ViewedFile& image, const std::function<void()>& check) {
  return run(image, nullptr, check)->shown;
}

std::string ViewPool::render(const ViewedFile& image, const ShowPart& part,
                             const std::function<void()>& check) {
  return std::move(run(image, &part, check)->content);
}

std::shared_ptr<ViewPool::Task> ViewPool::run(const ViewedFile& image, const ShowPart* part,
                                              const std::function<void()>& check) {
  const auto task = std::make_shared<Task>();
  task->image = image;
  if (part != nullptr) {
    task->part = *part;
  }
  std::unique_lock lock(mutex_);
  if (ended_) {
    throw Error(ErrorCode::unavailable, service_ends);
  }
  const auto of_owner =
      std::ranges::count_if(waiting_, [&](const auto& other) { return other->image.owner == image.owner; });
  // Nobody fills the queue alone.
  if (waiting_.size() >= options_.max_waiting ||
      static_cast<std::size_t>(of_owner) > options_.max_waiting / 2) {
    throw Error(ErrorCode::busy,
                fmt::format("{} parts of images are waiting to be made; try again later.", waiting_.size()));
  }
  waiting_.push_back(task);
  changed_.notify_all();
  while (!changed_.wait_for(lock, check_interval, [&] { return task->finished; })) {
    lock.unlock();
    try {
      check();
    } catch (...) {
      const std::scoped_lock again(mutex_);
      std::erase(waiting_, task);
      throw;
    }
    lock.lock();
  }
  if (task->failure) {
    std::rethrow_exception(task->failure);
  }
  return task;
}

void ViewPool::serve(const std::stop_token& stop) {
  std::unique_ptr<Process> process;
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [&] { return ended_ || !waiting_.empty(); }) && !ended_) {
    const std::shared_ptr<Task> task = take(process ? process->owner() : std::string());
    lock.unlock();
    std::exception_ptr failure;
    try {
      perform(*task, process);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    task->failure = failure;
    task->finished = true;
    changed_.notify_all();
  }
}

std::shared_ptr<ViewPool::Task> ViewPool::take(const std::string& owner) {
  // Those of the same owner find a warm process, but not while others have waited for long.
  auto chosen = waiting_.begin();
  if (std::chrono::steady_clock::now() - (*chosen)->since < max_wait_for_others) {
    const auto same =
        std::ranges::find_if(waiting_, [&](const auto& task) { return task->image.owner == owner; });
    chosen = same == waiting_.end() ? chosen : same;
  }
  std::shared_ptr<Task> task = std::move(*chosen);
  waiting_.erase(chosen);
  return task;
}

/// A process that is watched while it works.
class ViewPool::AtWork {
 public:
  AtWork(ViewPool& pool, Process& process) : pool_(pool), process_(process) {
    const std::scoped_lock lock(pool_.mutex_);
    if (pool_.ended_) {
      throw Error(ErrorCode::unavailable, service_ends);
    }
    pool_.deadlines_[&process_] = std::chrono::steady_clock::now() + pool_.options_.time_limit;
  }
  ~AtWork() {
    const std::scoped_lock lock(pool_.mutex_);
    pool_.deadlines_.erase(&process_);
  }
  AtWork(const AtWork&) = delete;
  AtWork& operator=(const AtWork&) = delete;

 private:
  ViewPool& pool_;
  Process& process_;
};

void ViewPool::perform(Task& task, std::unique_ptr<Process>& process) {
  if (process && process->owner() != task.image.owner) {
    process.reset();
  }
  for (bool fresh = false;;) {
    if (!process) {
      process = std::make_unique<Process>(options_, task.image.owner);
      fresh = true;
    }
    std::string lost;
    {
      const AtWork at_work(*this, *process);
      try {
        ask(task, *process);
        return;
      } catch (const ProcessLost&) {
        lost = "it ended";
      } catch (const Error& error) {
        if (error.code() != ErrorCode::rank_lost) {
          throw;
        }
        lost = error.what();  // it said what no such process says
      }
    }
    const bool stopped = process->stopped();
    process.reset();
    options_.log(fmt::format("a process for viewers is started again: {}, while it worked on '{}'",
                             stopped ? "it took too long" : lost, printable(task.image.name)));
    if (const std::scoped_lock lock(mutex_); ended_) {
      throw Error(ErrorCode::unavailable, service_ends);
    }
    if (stopped) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("This part was not made after {} s, the limit of this service: ask for a smaller "
                      "part, or use a simpler pipeline.",
                      std::chrono::duration<double>(options_.time_limit).count()));
    }
    if (fresh) {
      throw Error(
          ErrorCode::damaged_input,
          "The process that decoded this image ended: the image may be damaged on purpose, or need more "
          "memory than a viewer's may.");
    }
    // It may have ended before it was asked.
  }
}

void ViewPool::ask(Task& task, Process& process) {
  const auto ask_one = [&](const ViewRequest& request, const FileDescriptor& file) {
    ViewReply reply = process.ask(request, file.get());
    if (const auto* const failed = std::get_if<Failed>(&reply)) {
      const ErrorCode code = error_code_named(failed->code).value_or(ErrorCode::internal);
      throw may_be_told(code) ? Error(code, printable(failed->sentence))
                              : Error(ErrorCode::rank_lost, "it said what no such process says");
    }
    return reply;
  };
  const ViewReply shown =
      ask_one(ShowImage{ticket, task.image.key, task.image.name, task.image.pipeline, options_.image_limits,
                        options_.max_read_pixels, options_.max_part_pixels},
              *task.image.file);
  task.shown = shown_as<ImageShown>(shown);
  if (task.part) {
    const FileDescriptor memory = limited_memory_file(options_.max_part_bytes);
    task.part->ticket = ticket;
    const std::int64_t bytes = shown_as<PartShown>(ask_one(*task.part, memory)).bytes;
    if (bytes > options_.max_part_bytes) {
      throw Error(ErrorCode::rank_lost, "it said that it made more than fits");
    }
    task.content = content_of(memory, bytes);
  }
}

/// Ends processes that work for too long.
void ViewPool::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !ended_) {
    const Time now = std::chrono::steady_clock::now();
    Time next = now + options_.time_limit;
    for (auto& [process, deadline] : deadlines_) {
      if (deadline <= now && !process->stopped()) {
        process->stop();
      } else if (deadline > now) {
        next = std::min(next, deadline);
      }
    }
    changed_.wait_until(lock, stop, next, [&] { return ended_; });
  }
}

}  // namespace tessera::service
