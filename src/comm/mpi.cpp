// SPDX-License-Identifier: Apache-2.0
#include "comm/mpi.hpp"

#include <fmt/format.h>
#include <mpi.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "comm/mpi_group.hpp"

namespace tessera {
namespace {

/// MPI counts are int; longer messages go in parts.
constexpr std::size_t part_bytes = std::size_t{1} << 30;

void check(int status, const char* what) {
  if (status == MPI_SUCCESS) {
    return;
  }
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  throw Error(ErrorCode::rank_lost,
              fmt::format("MPI failed while {}: {}. A rank may have died; run the command again.", what,
                          std::string_view(text.data(), static_cast<std::size_t>(length))));
}

class MpiTransfer final : public Transfer {
 public:
  explicit MpiTransfer(std::vector<MPI_Request> requests) : requests_(std::move(requests)) {}
  MpiTransfer(const MpiTransfer&) = delete;
  MpiTransfer& operator=(const MpiTransfer&) = delete;
  ~MpiTransfer() override {
    if (!requests_.empty()) {
      MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    }
  }
  void wait() override {
    const int status = MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
    requests_.clear();
    check(status, "exchanging pixels");
  }

 private:
  std::vector<MPI_Request> requests_;
};

class MpiCommunicator final : public Communicator {
 public:
  /// Over a duplicate of `group`. `ends_mpi`: finalises MPI when it is destroyed.
  MpiCommunicator(MPI_Comm group, bool ends_mpi) : ends_mpi_(ends_mpi) {
    check(MPI_Comm_dup(group, &group_), "starting");
    MPI_Comm_set_errhandler(group_, MPI_ERRORS_RETURN);
    MPI_Comm_rank(group_, &rank_);
    MPI_Comm_size(group_, &size_);
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    MPI_Get_processor_name(name.data(), &length);
    location_ =
        fmt::format("{}:{}", std::string_view(name.data(), static_cast<std::size_t>(length)), getpid());
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;
  ~MpiCommunicator() override {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) {
      MPI_Comm_free(&group_);
      if (ends_mpi_) {
        MPI_Finalize();
      }
    }
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string location() const override { return location_; }

  std::unique_ptr<Transfer> send(std::span<const std::byte> data, int to, int tag) override {
    std::vector<MPI_Request> requests;
    do {
      const auto part = data.first(std::min(part_bytes, data.size()));
      check(MPI_Isend(part.data(), static_cast<int>(part.size()), MPI_BYTE, to, tag, group_,
                      &requests.emplace_back()),
            "sending");
      data = data.subspan(part.size());
    } while (!data.empty());
    return std::make_unique<MpiTransfer>(std::move(requests));
  }
  std::unique_ptr<Transfer> receive(std::span<std::byte> data, int from, int tag) override {
    std::vector<MPI_Request> requests;
    do {
      const auto part = data.first(std::min(part_bytes, data.size()));
      check(MPI_Irecv(part.data(), static_cast<int>(part.size()), MPI_BYTE, from, tag, group_,
                      &requests.emplace_back()),
            "receiving");
      data = data.subspan(part.size());
    } while (!data.empty());
    return std::make_unique<MpiTransfer>(std::move(requests));
  }
  void abort(const std::exception& error) override {
    const auto* known = dynamic_cast<const Error*>(&error);
    fmt::print(stderr, "tessera: rank {} on {}: {}\n", rank_, location_, error.what());
    abort_mpi(meaning(known != nullptr ? known->code() : ErrorCode::internal).exit_code);
  }
  void barrier() override { check(MPI_Barrier(group_), "waiting for the other ranks"); }
  void broadcast(std::span<std::byte> data, int from) override {
    while (!data.empty()) {
      const auto part = data.first(std::min(part_bytes, data.size()));
      check(MPI_Bcast(part.data(), static_cast<int>(part.size()), MPI_BYTE, from, group_), "broadcasting");
      data = data.subspan(part.size());
    }
  }
  void all_reduce(std::span<std::uint64_t> values, Merge merge) override {
    while (!values.empty()) {
      const auto part = values.first(std::min(part_bytes / sizeof(std::uint64_t), values.size()));
      check(MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_UINT64_T,
                          merge == Merge::sum ? MPI_SUM : MPI_MAX, group_),
            "merging statistics");
      values = values.subspan(part.size());
    }
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    if (mine.size() > part_bytes) {
      throw Error(ErrorCode::internal, "all_gather is for small records; send bytes instead.");
    }
    const int count = static_cast<int>(mine.size());
    check(MPI_Allgather(mine.data(), count, MPI_BYTE, all.data(), count, MPI_BYTE, group_), "gathering");
  }
  void all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) override {
    const std::size_t record = outgoing.size() / static_cast<std::size_t>(size_);
    if (record > part_bytes) {
      throw Error(ErrorCode::internal, "all_to_all is for small records; send bytes instead.");
    }
    const int count = static_cast<int>(record);
    check(MPI_Alltoall(outgoing.data(), count, MPI_BYTE, incoming.data(), count, MPI_BYTE, group_),
          "exchanging records");
  }

 private:
  MPI_Comm group_ = MPI_COMM_NULL;
  bool ends_mpi_;
  int rank_ = 0;
  int size_ = 1;
  std::string location_;
};

}  // namespace

bool started_by_mpi() {
  return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr || std::getenv("PMIX_RANK") != nullptr;
}

void check_tasks(int ranks) {
  for (const char* const name :
       {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    const char* const text = std::getenv(name);
    const int tasks = text == nullptr ? 0 : std::atoi(text);
    if (tasks > 1 && ranks == 1) {
      throw Error(
          ErrorCode::usage,
          fmt::format("{} tasks were started ({}), but they are not one group of MPI ranks: each would "
                      "do all the work and write the same file. Start them with Open MPI's mpirun or "
                      "with 'srun --mpi=pmix'; or, if every task has an image of its own, say so with "
                      "--ranks 1.",
                      tasks, name));
    }
  }
}

std::unique_ptr<Communicator> make_mpi() {
  int given = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given), "starting");
  if (given < MPI_THREAD_SERIALIZED) {
    throw Error(ErrorCode::rank_lost,
                "This MPI library does not support calls from several threads in turn.");
  }
  return std::make_unique<MpiCommunicator>(MPI_COMM_WORLD, true);
}

std::shared_ptr<Communicator> communicator_over(MPI_Comm group) {
  int initialized = 0;
  int given = MPI_THREAD_SINGLE;
  MPI_Initialized(&initialized);
  if (initialized != 0) {
    MPI_Query_thread(&given);
  }
  if (given < MPI_THREAD_SERIALIZED) {
    throw Error(ErrorCode::usage,
                "MPI must be initialised with MPI_THREAD_SERIALIZED or MPI_THREAD_MULTIPLE: several threads "
                "call it in turn.");
  }
  return std::make_shared<MpiCommunicator>(group, false);
}

void abort_mpi(int exit_code) {
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace tessera
