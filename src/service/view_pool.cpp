// SPDX-License-Identifier: Apache-2.0
#include "service/view_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "service/view_process.hpp"

namespace tessera::service {
namespace {

constexpr std::chrono::milliseconds check_interval{200};
/// For which a process stays with its owner while others wait.
constexpr std::chrono::milliseconds turn{1000};
constexpr const char* service_ends = "The service is ending.";

}  // namespace

struct ViewPool::Task {
  std::string name;  ///< of what is to be made
  ViewedFile image;
  std::optional<ShowPart> part;
  // Guarded by the pool's mutex:
  int requests = 0;  ///< that wait for it
  bool finished = false;
  std::exception_ptr failure;
  std::condition_variable done;
  // Written before it is finished:
  ImageShown shown;
  /// Apart from the task, which holds the open file: parts are kept for long.
  std::shared_ptr<const std::string> content;
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
      finish(*task);
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
  return run(image, std::nullopt, check)->shown;
}

std::shared_ptr<const std::string> ViewPool::render(const ViewedFile& image, const ShowPart& part,
                                                    const std::function<void()>& check) {
  return run(image, part, check)->content;
}

/// Where requests wait for a task.
class ViewPool::Place {
 public:
  /// Requires the pool's mutex. Throws Error(busy).
  Place(ViewPool& pool, const std::string& owner) : pool_(pool), owner_(owner) {
    std::size_t& of_owner = pool_.requests_of_[owner_];
    // Nobody fills the queue alone.
    if (pool_.requests_ >= pool_.options_.max_waiting || of_owner > pool_.options_.max_waiting / 2) {
      throw Error(ErrorCode::busy, fmt::format("{} parts of images are waiting to be made; try again later.",
                                               pool_.requests_));
    }
    ++of_owner;
    ++pool_.requests_;
  }
  /// Requires the pool's mutex.
  ~Place() {
    --pool_.requests_;
    if (const auto found = pool_.requests_of_.find(owner_); --found->second == 0) {
      pool_.requests_of_.erase(found);
    }
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  ViewPool& pool_;
  const std::string owner_;
};

std::shared_ptr<ViewPool::Task> ViewPool::run(const ViewedFile& image, const std::optional<ShowPart>& part,
                                              const std::function<void()>& check) {
  std::string name = fmt::format("{} {} {} {}", image.owner, image.key, image.pipeline.dump(),
                                 part ? to_line(ViewRequest(*part)) : "");
  std::unique_lock lock(mutex_);
  if (ended_) {
    throw Error(ErrorCode::unavailable, service_ends);
  }
  const Place place(*this, image.owner);
  std::shared_ptr<Task>& known = tasks_[name];
  if (!known) {
    known = std::make_shared<Task>();
    known->name = std::move(name);
    known->image = image;
    known->part = part;
    waiting_.push_back(known);
    changed_.notify_all();
  }
  const std::shared_ptr<Task> task = known;
  ++task->requests;
  while (!task->done.wait_for(lock, check_interval, [&] { return task->finished; })) {
    lock.unlock();
    std::exception_ptr given_up;
    try {
      check();
    } catch (...) {
      given_up = std::current_exception();
    }
    lock.lock();
    if (given_up) {
      // A task that is under way is finished all the same: its result is not far.
      if (--task->requests == 0 && std::erase(waiting_, task) > 0) {
        tasks_.erase(task->name);
      }
      std::rethrow_exception(given_up);
    }
  }
  if (task->failure) {
    std::rethrow_exception(task->failure);
  }
  return task;
}

void ViewPool::finish(Task& task) {
  task.finished = true;
  tasks_.erase(task.name);
  task.done.notify_all();
}

void ViewPool::serve(const std::stop_token& stop) {
  std::unique_ptr<ViewProcess> process;
  Time turn_begin;
  std::unique_lock lock(mutex_);
  for (;;) {
    const std::string owner = process ? process->owner() : std::string();
    const auto idle = idle_owners_.insert(owner);
    auto chosen = waiting_.end();
    changed_.wait(lock, stop, [&] {
      chosen = choose(owner, turn_begin);
      return ended_ || chosen != waiting_.end();
    });
    idle_owners_.erase(idle);
    if (ended_ || stop.stop_requested()) {
      return;
    }
    const std::shared_ptr<Task> task = *chosen;
    waiting_.erase(chosen);
    // What others have left to this process is theirs now.
    changed_.notify_all();
    if (task->image.owner != owner) {
      turn_begin = std::chrono::steady_clock::now();
    }
    lock.unlock();
    std::exception_ptr failure;
    try {
      perform(*task, process);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    task->failure = failure;
    finish(*task);
  }
}

std::deque<std::shared_ptr<ViewPool::Task>>::iterator ViewPool::choose(const std::string& owner,
                                                                       Time turn_begin) {
  // To serve another owner a process is started anew, which takes longer than most parts. So it stays with its owner
  // for a turn, however long others have waited; and what an idle process of its owner can take is left to that.
  const auto same =
      std::ranges::find_if(waiting_, [&](const auto& task) { return task->image.owner == owner; });
  if (same != waiting_.end() && std::chrono::steady_clock::now() - turn_begin < turn) {
    return same;
  }
  return std::ranges::find_if(waiting_, [&](const auto& task) {
    return task->image.owner == owner || !idle_owners_.contains(task->image.owner);
  });
}

/// A process that is watched while it works.
class ViewPool::AtWork {
 public:
  AtWork(ViewPool& pool, ViewProcess& process) : pool_(pool), process_(process) {
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
  ViewProcess& process_;
};

void ViewPool::perform(Task& task, std::unique_ptr<ViewProcess>& process) {
  if (process && process->owner() != task.image.owner) {
    process.reset();
  }
  for (bool fresh = false;;) {
    if (!process) {
      process = std::make_unique<ViewProcess>(options_, task.image.owner);
      fresh = true;
    }
    std::string lost;
    {
      const AtWork at_work(*this, *process);
      try {
        ViewProcess::Shown shown = process->show(task.image, task.part);
        task.shown = shown.image;
        task.content = std::make_shared<const std::string>(std::move(shown.part));
        return;
      } catch (const ViewProcessLost&) {
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
