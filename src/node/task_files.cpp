// SPDX-License-Identifier: Apache-2.0
#include "node/task_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "base/system.hpp"
#include "node/rank_group_state.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_bytes = 12;

[[noreturn]] void refuse(const RankTask& task, const std::error_code& reason) {
  throw Error(reason == std::errc::no_such_file_or_directory ? ErrorCode::not_found : ErrorCode::io,
              fmt::format("The image '{}' cannot be opened: {}.", task.name, reason.message()));
}

}  // namespace

TaskFiles::TaskFiles(const RankTask& task, const RankGroupOptions& options) : place_(task.output) {
  const fs::path folder = options.scratch / ranks_folder;
  const std::string name = random_hex(name_bytes);
  written_ = folder / worker_results_folder / (name + task.output.extension().string());
  if (options.hostfile.empty()) {
    image_.reset(::open(task.input.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!image_) {
      refuse(task, {errno, std::generic_category()});
    }
    return;
  }
  if (task.transfer) {
    return;  // ranks on other hosts read it by its link alone
  }
  // A hard link costs nothing; an image elsewhere, such as in a store's folder, is copied, because ranks must
  // not get write access to it.
  copy_ = folder / worker_inputs_folder / name;
  std::error_code failure;
  fs::create_directories(copy_.parent_path(), failure);
  failure = std::make_error_code(std::errc::cross_device_link);
  if (task.input.parent_path() == options.scratch) {
    fs::create_hard_link(task.input, copy_, failure);
  }
  if (failure) {
    fs::copy_file(task.input, copy_, failure);
  }
  if (failure) {
    refuse(task, failure);
  }
}

TaskFiles::~TaskFiles() {
  std::error_code ignored;  // they need not be there
  fs::remove(written_, ignored);
  if (!copy_.empty()) {
    fs::remove(copy_, ignored);
  }
}

void TaskFiles::collect(const RankOutcome& outcome) const {
  if (outcome.end != RankOutcome::End::done) {
    return;
  }
  std::error_code failure;
  fs::rename(written_, place_, failure);
  if (failure) {
    throw Error(ErrorCode::io,
                fmt::format("The result of the ranks cannot be moved: {}.", failure.message()));
  }
  // Ranks cannot access this name. A symbolic link to a file that they may not read would be followed later.
  if (!fs::is_regular_file(fs::symlink_status(place_, failure))) {
    fs::remove_all(place_, failure);
    throw Error(ErrorCode::io, "The result of the ranks is not a regular file.");
  }
}

}  // namespace tessera
