// SPDX-License-Identifier: Apache-2.0
#include "wide_communicator.hpp"

#include <mpi.h>
#include <smpi/smpi.h>

namespace tessera::scaling {
namespace {

// As in src/engine and src/comm.
constexpr int color_tag = 1;
constexpr int alpha_tag = 2;
constexpr int all_to_all_tag = 901;
constexpr int padding_tag = 10'000;

bool carries_pixels(int tag) { return tag == color_tag || tag == alpha_tag || tag == all_to_all_tag; }

class Padded final : public Transfer {
 public:
  Padded(std::unique_ptr<Transfer> content, const std::function<void()>& settle)
      : content_(std::move(content)), settle_(settle) {}
  Padded(const Padded&) = delete;
  Padded& operator=(const Padded&) = delete;
  ~Padded() override { wait_for_padding(); }
  void wait() override {
    settle_();
    content_->wait();
    wait_for_padding();
  }
  std::vector<MPI_Request>& padding() { return padding_; }

 private:
  void wait_for_padding() {
    MPI_Waitall(static_cast<int>(padding_.size()), padding_.data(), MPI_STATUSES_IGNORE);
    padding_.clear();
  }
  std::unique_ptr<Transfer> content_;
  const std::function<void()>& settle_;
  std::vector<MPI_Request> padding_;
};

class WideCommunicator final : public Communicator {
 public:
  WideCommunicator(std::unique_ptr<Communicator> comm, int factor, void* nothing,
                   std::function<void()> settle)
      : comm_(std::move(comm)), factor_(factor), nothing_(nothing), settle_(std::move(settle)) {}

  int rank() const override { return comm_->rank(); }
  int size() const override { return comm_->size(); }
  std::string location() const override { return comm_->location(); }
  std::unique_ptr<Transfer> send(std::span<const std::byte> data, int to, int tag) override {
    settle_();
    auto transfer = std::make_unique<Padded>(comm_->send(data, to, tag), settle_);
    for (std::size_t left = padding_bytes(data.size(), tag); left > 0;
         left -= std::min(left, nothing_bytes)) {
      MPI_Isend(nothing_, static_cast<int>(std::min(left, nothing_bytes)), MPI_BYTE, to, padding_tag + tag,
                MPI_COMM_WORLD, &transfer->padding().emplace_back());
    }
    return transfer;
  }
  std::unique_ptr<Transfer> receive(std::span<std::byte> data, int from, int tag) override {
    settle_();
    auto transfer = std::make_unique<Padded>(comm_->receive(data, from, tag), settle_);
    for (std::size_t left = padding_bytes(data.size(), tag); left > 0;
         left -= std::min(left, nothing_bytes)) {
      MPI_Irecv(nothing_, static_cast<int>(std::min(left, nothing_bytes)), MPI_BYTE, from, padding_tag + tag,
                MPI_COMM_WORLD, &transfer->padding().emplace_back());
    }
    return transfer;
  }
  void abort(const std::exception& error) override { comm_->abort(error); }
  void barrier() override { settled().barrier(); }
  void broadcast(std::span<std::byte> data, int from) override { settled().broadcast(data, from); }
  void all_reduce(std::span<std::uint64_t> values, Merge merge) override {
    settled().all_reduce(values, merge);
  }
  void all_gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    settled().all_gather(mine, all);
  }
  void all_to_all(std::span<const std::byte> outgoing, std::span<std::byte> incoming) override {
    settled().all_to_all(outgoing, incoming);
  }

 private:
  Communicator& settled() {
    settle_();
    return *comm_;
  }
  [[nodiscard]] std::size_t padding_bytes(std::size_t bytes, int tag) const {
    return carries_pixels(tag) ? bytes * static_cast<std::size_t>(factor_ - 1) : 0;
  }

  std::unique_ptr<Communicator> comm_;
  int factor_;
  void* nothing_;
  std::function<void()> settle_;
};

}  // namespace

std::unique_ptr<Communicator> make_wide(std::unique_ptr<Communicator> comm, int factor, void* nothing,
                                        std::function<void()> settle) {
  return std::make_unique<WideCommunicator>(std::move(comm), factor, nothing, std::move(settle));
}

}  // namespace tessera::scaling
