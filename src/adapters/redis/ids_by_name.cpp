// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/ids_by_name.hpp"

#include <algorithm>
#include <functional>

namespace tessera::redis {
namespace {

constexpr std::size_t ids_per_page = 200;
/// Number of ids whose state is checked in one command.
constexpr std::size_t lookups_per_command = 1000;

}  // namespace

IdsByName::IdsByName(Connection& connection, std::string index, std::optional<JobState> state,
                     std::string after)
    : connection_(connection), index_(std::move(index)), state_(state), after_(std::move(after)) {
  if (state_) {
    const std::string in_state = "tessera:jobs:state:" + std::to_string(static_cast<int>(*state_));
    const auto sizes = connection_.pipeline({{"ZCARD", in_state}, {"ZCARD", index_}});
    of_state_ = sizes.at(0).integer <= sizes.at(1).integer;
  }
  if (of_state_) {
    collect_of_state();
  }
}

void IdsByName::collect_of_state() {
  const std::string in_state = "tessera:jobs:state:" + std::to_string(static_cast<int>(*state_));
  for (const Reply& id : connection_.command({"ZINTER", "2", in_state, index_}).list) {
    if (after_.empty() || id.text < after_) {
      ids_.push_back(id.text);
    }
  }
  std::ranges::sort(ids_, std::greater<>());
}

std::vector<std::string> IdsByName::next() {
  if (!of_state_) {
    return next_of_index();
  }
  const auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(given_);
  given_ = std::min(ids_.size(), given_ + ids_per_page);
  return {begin, ids_.begin() + static_cast<std::ptrdiff_t>(given_)};
}

std::vector<std::string> IdsByName::next_of_index() {
  const std::size_t page_size = state_ ? lookups_per_command : ids_per_page;
  std::vector<std::string> found;
  while (found.empty() && !ended_) {
    const Reply ids = connection_.command({"ZREVRANGEBYLEX", index_, after_.empty() ? "+" : "(" + after_, "-",
                                           "LIMIT", "0", std::to_string(page_size)});
    ended_ = ids.list.size() < page_size;
    if (ids.list.empty()) {
      break;
    }
    after_ = ids.list.back().text;
    std::vector<std::string> lookup{
        "ZMSCORE",
        "tessera:jobs:state:" + std::to_string(static_cast<int>(state_.value_or(JobState::queued)))};
    for (const Reply& id : ids.list) {
      (state_ ? lookup : found).push_back(id.text);
    }
    if (state_) {
      const Reply scores = connection_.command(lookup);
      for (std::size_t i = 0; i < scores.list.size(); ++i) {
        if (!scores.list[i].empty()) {
          found.push_back(ids.list[i].text);
        }
      }
    }
  }
  return found;
}

}  // namespace tessera::redis
