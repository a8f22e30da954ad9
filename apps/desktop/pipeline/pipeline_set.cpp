// SPDX-License-Identifier: Apache-2.0
#include "pipeline/pipeline_set.hpp"

namespace tessera::desktop {

PipelineSet::PipelineSet(QObject* parent) : QObject(parent) { undo_group_.addStack(shared_.undo_stack()); }

PipelineModel& PipelineSet::of(std::uint64_t image) {
  const auto found = own_.find(image);
  return found == own_.end() ? shared_ : *found->second;
}

PipelineModel& PipelineSet::give_own(std::uint64_t image) {
  auto& own = own_[image];
  if (!own) {
    own = std::make_unique<PipelineModel>();
    own->start_with(shared_.items());
    undo_group_.addStack(own->undo_stack());
  }
  return *own;
}

void PipelineSet::drop_own(std::uint64_t image) { own_.erase(image); }

}  // namespace tessera::desktop
