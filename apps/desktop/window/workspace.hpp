// SPDX-License-Identifier: Apache-2.0
// What is being worked on: the images of the list and their pipelines, as a file that can be opened again.
#pragma once

#include <QString>
#include <filesystem>
#include <optional>
#include <vector>

#include "pipeline/pipeline_model.hpp"

namespace tessera::desktop {

struct Workspace {
  struct Image {
    std::filesystem::path file;
    std::optional<std::vector<PipelineItem>> own = {};  ///< its own pipeline, if it has one
  };
  std::vector<Image> images;
  std::vector<PipelineItem> shared;  ///< the pipeline of all other images
};

/// Throws Error(not_found, io) and Error(usage) for a file that is no workspace, or has operators that this version
/// does not know.
[[nodiscard]] Workspace read_workspace(const QString& file);
/// Replaces the file when it is complete. Throws Error(io).
void write_workspace(const QString& file, const Workspace& workspace);

}  // namespace tessera::desktop
