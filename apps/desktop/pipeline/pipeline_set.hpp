// SPDX-License-Identifier: Apache-2.0
// The pipeline that all images share, and those that single images have of their own.
#pragma once

#include <QObject>
#include <QUndoGroup>
#include <cstdint>
#include <map>
#include <memory>

#include "pipeline/pipeline_model.hpp"

namespace tessera::desktop {

class PipelineSet : public QObject {
  Q_OBJECT

 public:
  explicit PipelineSet(QObject* parent = nullptr);

  [[nodiscard]] PipelineModel& shared() { return shared_; }
  [[nodiscard]] bool has_own(std::uint64_t image) const { return own_.contains(image); }
  /// The image's own, or the shared one.
  [[nodiscard]] PipelineModel& of(std::uint64_t image);
  /// A copy of the shared pipeline to go its own way.
  PipelineModel& give_own(std::uint64_t image);
  /// Back to the shared pipeline; the own one is forgotten.
  void drop_own(std::uint64_t image);
  /// Undo and redo of whichever is edited.
  [[nodiscard]] QUndoGroup& undo_group() { return undo_group_; }

 private:
  QUndoGroup undo_group_;
  PipelineModel shared_;
  std::map<std::uint64_t, std::unique_ptr<PipelineModel>> own_;
};

}  // namespace tessera::desktop
