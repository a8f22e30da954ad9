// SPDX-License-Identifier: Apache-2.0
// Ranks as threads of one process: the same interface, for tests and for running without MPI. A send copies
// into the receiver's mailbox, so it is complete at once.
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/system.hpp"
#include "comm/communicator.hpp"

namespace tessera {
namespace {

struct Mailboxes {
  explicit Mailboxes(int ranks) : size(ranks) {}

  void post(int from, int to, int tag, std::span<const std::byte> data) {
    const std::scoped_lock lock(mutex);
    if (const auto dropped = unwanted.find({from, to, tag}); dropped != unwanted.end()) {
      if (--dropped->second == 0) {
        unwanted.erase(dropped);
      }
      return;
    }
    mail[{from, to, tag}].emplace_back(data.begin(), data.end());
    changed.notify_all();
  }
  /// The next message is for nobody. Does not wait: its sender may be waiting for this rank.
  void drop(int from, int to, int tag) {
    const std::scoped_lock lock(mutex);
    auto& box = mail[{from, to, tag}];
    if (box.empty()) {
      ++unwanted[{from, to, tag}];
    } else {
      box.pop_front();
    }
  }
  Bytes take(int from, int to, int tag) {
    std::unique_lock lock(mutex);
    auto& box = mail[{from, to, tag}];
    changed.wait(lock, [&] { return stopped || !box.empty(); });
    if (box.empty()) {
      throw Error(ErrorCode::cancelled, "The work was stopped because another rank failed.");
    }
    Bytes data = std::move(box.front());
    box.pop_front();
    return data;
  }
  void stop(std::exception_ptr error) {
    const std::scoped_lock lock(mutex);
    if (!stopped) {
      stopped = true;
      first_error = std::move(error);
    }
    changed.notify_all();
  }

  const int size;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::tuple<int, int, int>, std::deque<Bytes>> mail;
  std::map<std::tuple<int, int, int>, int> unwanted;  ///< messages still to come that nobody waits for
  bool stopped = false;
  std::exception_ptr first_error;
};

class Done final : public Transfer {
 public:
  void wait() override {}
};

class Incoming final : public Transfer {
 public:
  Incoming(std::shared_ptr<Mailboxes> mailboxes, int from, int to, int tag, std::span<std::byte> target)
      : mailboxes_(std::move(mailboxes)), from_(from), to_(to), tag_(tag), target_(target) {}
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  /// A message that nobody waited for must not be there for the next that is received with its tag.
  ~Incoming() override {
    if (pending_) {
      mailboxes_->drop(from_, to_, tag_);
    }
  }
  void wait() override {
    if (!std::exchange(pending_, false)) {
      return;
    }
    const Bytes data = mailboxes_->take(from_, to_, tag_);
    if (data.size() != target_.size()) {
      throw Error(ErrorCode::internal, "Two ranks disagree on the size of a message.");
    }
    if (!data.empty()) {
      std::memcpy(target_.data(), data.data(), data.size());
    }
  }

 private:
  std::shared_ptr<Mailboxes> mailboxes_;
  int from_;
  int to_;
  int tag_;
  std::span<std::byte> target_;
  bool pending_ = true;
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<Mailboxes> mailboxes, int rank)
      : mailboxes_(std::move(mailboxes)), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return mailboxes_->size; }
  std::string location() const override {
    const std::string process = host_name() + ":" + std::to_string(getpid());
    return size() == 1 ? process : process + " thread " + std::to_string(rank_);
  }

  std::unique_ptr<Transfer> send(std::span<const std::byte> data, int to, int tag) override {
    mailboxes_->post(rank_, to, tag, data);
    return std::make_unique<Done>();
  }
  std::unique_ptr<Transfer> receive(std::span<std::byte> data, int from, int tag) override {
    return std::make_unique<Incoming>(mailboxes_, from, rank_, tag, data);
  }
  void abort(const std::exception&) override {}  // run_on_threads ends the others when the error reaches it
  void barrier() override {
    std::uint64_t nothing = 0;
    all_reduce(std::span(&nothing, 1), Merge::sum);
  }
  void broadcast(std::span<std::byte> data, int from) override {
    if (rank_ == from) {
      for (int to = 0; to < size(); ++to) {
        if (to != rank_) {
          mailboxes_->post(rank_, to, collective_tag, data);
        }
      }
    } else {
      receive(data, from, collective_tag)->wait();
    }
  }
  void all_reduce(std::span<std::uint64_t> values, Merge merge) override {
    if (rank_ != 0) {
      mailboxes_->post(rank_, 0, collective_tag, std::as_bytes(values));
    } else {
      std::vector<std::uint64_t> theirs(values.size());
      for (int from = 1; from < size(); ++from) {
        receive(std::as_writable_bytes(std::span(theirs)), from, collective_tag)->wait();
        for (std::size_t i = 0; i < values.size(); ++i) {
          values[i] = merge == Merge::sum ? values[i] + theirs[i] : std::max(values[i], theirs[i]);
        }
      }
    }
    broadcast(std::as_writable_bytes(values), 0);
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    for (int to = 0; to < size(); ++to) {
      mailboxes_->post(rank_, to, collective_tag, mine);
    }
    for (int from = 0; from < size(); ++from) {
      receive(all.subspan(static_cast<std::size_t>(from) * mine.size(), mine.size()), from, collective_tag)
          ->wait();
    }
  }
  void all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) override {
    const std::size_t record = outgoing.size() / static_cast<std::size_t>(size());
    for (int to = 0; to < size(); ++to) {
      mailboxes_->post(rank_, to, collective_tag,
                       outgoing.subspan(static_cast<std::size_t>(to) * record, record));
    }
    for (int from = 0; from < size(); ++from) {
      receive(incoming.subspan(static_cast<std::size_t>(from) * record, record), from, collective_tag)
          ->wait();
    }
  }

 private:
  static constexpr int collective_tag = -1;
  std::shared_ptr<Mailboxes> mailboxes_;
  int rank_;
};

}  // namespace

std::unique_ptr<Communicator> make_solo() {
  return std::make_unique<ThreadCommunicator>(std::make_shared<Mailboxes>(1), 0);
}

void run_on_threads(int ranks, const std::function<void(Communicator&)>& body) {
  const auto mailboxes = std::make_shared<Mailboxes>(ranks);
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([mailboxes, &body, rank] {
        ThreadCommunicator communicator(mailboxes, rank);
        try {
          body(communicator);
        } catch (...) {
          mailboxes->stop(std::current_exception());
        }
      });
    }
  }
  if (mailboxes->first_error) {
    std::rethrow_exception(mailboxes->first_error);
  }
}

}  // namespace tessera
