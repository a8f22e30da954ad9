// SPDX-License-Identifier: Apache-2.0
// A warm group of ranks: processes that wait for images, so that no job pays for starting MPI. The group is
// supervised: when a rank dies or stops responding, the whole group is ended, its tasks are reported as lost,
// and it is restarted, after a growing pause if it keeps dying. The time from a start to the end is a "life".
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "ranks/channel.hpp"
#include "ranks/messages.hpp"
#include "ranks/sandbox.hpp"

namespace tessera {

struct RankGroupOptions {
  std::filesystem::path program;  ///< the tessera command
  int ranks = 1;                  ///< 1: without MPI
  int threads = 0;                ///< of each rank; 0: its host's cores divided by the ranks there
  std::string hostfile;           ///< for mpirun; empty: this host
  std::string address;            ///< with a hostfile: name or address of this host for the ranks
  /// Existing private folder of this node. Ranks may write to a subfolder.
  std::filesystem::path scratch;
  SandboxMode sandbox = SandboxMode::automatic;
  std::int64_t max_memory_bytes = 0;                ///< of a rank; 0: no limit
  std::chrono::milliseconds silence_limit{15'000};  ///< ranks send a heartbeat every second
  std::chrono::milliseconds start_limit{60'000};    ///< from starting until all ranks are ready
  std::chrono::milliseconds first_pause{500};       ///< after a death; doubles up to max_pause
  std::chrono::milliseconds max_pause{30'000};
  std::function<void(const std::string& sentence)> log;  ///< starts and failures, for the node's log
};

struct RankTask {
  std::filesystem::path input;
  std::filesystem::path output;  ///< its extension names the format
  /// The image is an object that ranks read by its link; `input` holds its first bytes.
  std::optional<TransferGrant> transfer;
  /// Not empty: ranks that cannot write into the file `output` may upload parts of the result, and this gives
  /// presigned links for `count` of them from `first` on (base/part_layout.hpp). Called by run(); throws Error. Parts
  /// that have been uploaded are holes in the file, and named in the outcome.
  std::function<std::vector<std::string>(std::int64_t first, std::int64_t count)> part_links = {};
  std::string name;  ///< of the input, for messages
  Json pipeline;
  Json output_options = Json::object();
  Json limits = Json::object();
  std::chrono::milliseconds time_limit{0};  ///< zero: none
};

enum class Placement : std::uint8_t {
  one_rank,   ///< concurrently with tasks on other ranks
  all_ranks,  ///< distributed over all ranks
  alone,      ///< one rank while the others are idle: for a task that may kill its group
};

struct RankOutcome {
  enum class End : std::uint8_t { done, failed, lost, stopped } end = End::lost;
  Done result;           ///< done: the root rank's report
  std::string code;      ///< failed: a name of the error table
  std::string sentence;  ///< failed, lost: the reason
  std::vector<int> ranks;
};

struct RankState {
  int rank = 0;
  std::string location;  ///< "host:pid"
  std::int64_t memory_bytes = 0;
  bool busy = false;
};

class RankProcess;
class RankHandshake;

class RankGroup {
 public:
  explicit RankGroup(RankGroupOptions options);
  /// Ends the ranks; running tasks are reported as lost.
  ~RankGroup();
  RankGroup(const RankGroup&) = delete;
  RankGroup& operator=(const RankGroup&) = delete;

  /// Waits for its turn (first come, first served), runs the task and returns its outcome. `begun` is called
  /// with the assigned ranks. When `stop` is requested the task is cancelled; ranks that do not stop within
  /// ten seconds are killed with their group. Throws Error(not_found, io) if the image cannot be opened or
  /// the result cannot be moved to its place. Safe to call from many threads.
  RankOutcome run(const RankTask& task, Placement placement, const std::stop_token& stop,
                  const std::function<void(const std::vector<int>& ranks)>& begun,
                  const std::function<void(double fraction, const std::string& stage)>& progress);

  /// Ends the ranks permanently; running tasks are reported as lost, waiting ones wait until they are
  /// stopped.
  void end();

  [[nodiscard]] std::vector<RankState> state() const;
  /// Number of restarts.
  [[nodiscard]] int restarts() const;
  /// Number of refused connections to the ranks' listener.
  [[nodiscard]] std::int64_t refused_connections() const { return refused_connections_; }
  /// Whether all ranks are connected.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] int size() const { return options_.ranks; }

 private:
  struct Rank;
  struct Running;
  struct Process;

  void supervise(const std::stop_token& stop);
  /// Starts the ranks and supervises them until they end; returns the reason.
  std::string run_once(const std::stop_token& stop);
  void supervise_once(Process& life, const std::stop_token& stop);
  void accept_ranks(RankHandshake& handshake);
  void add_rank(Hello hello, std::shared_ptr<RankChannel> channel);
  void listen_to(RankChannel& channel, int rank, std::uint64_t life);
  void note_sandbox(const Hello& hello);
  void note_refusals(const RankHandshake& handshake);
  void handle_message(int rank, std::uint64_t life, const RankMessage& message);
  void handle_progress(std::unique_lock<std::mutex>& lock, const TaskProgress& progress);
  void handle_end(Rank& own, int rank, const RankMessage& message);
  void note_wanted_links(int rank, const PartLinksWanted& wanted);
  void send_links(std::unique_lock<std::mutex>& lock, Running& running, const RankTask& task);
  void check_memory(Rank& own, int rank);
  void check_health(Process& life);
  void end_process(RankProcess& process);
  /// Returns whether all ranks were connected in this life.
  bool end_life(const std::string& reason);
  [[nodiscard]] bool may_begin(std::uint64_t turn, Placement placement) const;
  void choose_ranks(Running& running, Placement placement) const;
  void send_to(const Running& running, const NodeMessage& message, int attached = -1);
  void send_to_rank(int rank, const std::string& line, int attached = -1);
  void follow(std::unique_lock<std::mutex>& lock, Running& running, std::int64_t ticket, const RankTask& task,
              const std::stop_token& stop);
  void wake() const;

  RankGroupOptions options_;
  FileDescriptor wake_;
  std::atomic<std::int64_t> refused_connections_ = 0;
  std::chrono::steady_clock::time_point next_refusal_note_{};  ///< used by the supervisor only
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // All below except the supervisor are guarded by mutex_.
  std::vector<Rank> ranks_;  ///< of this life
  std::map<std::int64_t, std::shared_ptr<Running>> running_;
  std::deque<std::uint64_t> turns_;  ///< waiting callers, in order
  std::uint64_t next_turn_ = 1;
  std::int64_t next_ticket_ = 1;
  std::uint64_t life_ = 0;       ///< incremented at starts and ends, to recognize late messages
  std::uint64_t was_ready_ = 0;  ///< the last life in which all ranks were connected
  std::string kill_reason_;      ///< not empty: this life is being ended
  std::string transfer_key_;     ///< of this life
  int restarts_ = 0;
  bool ready_ = false;
  bool alone_ = false;  ///< a task with Placement::alone is running
  bool sandbox_noted_ = false;
  std::vector<std::shared_ptr<RankChannel>> channels_;
  std::vector<std::jthread> listeners_;
  std::jthread supervisor_;
};

}  // namespace tessera
