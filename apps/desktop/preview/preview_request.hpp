// SPDX-License-Identifier: Apache-2.0
// What the preview is asked for, and what it answers.
#pragma once

#include <QRect>
#include <QString>
#include <QStringList>
#include <filesystem>
#include <optional>
#include <vector>

#include "engine/run.hpp"
#include "plan/pipeline.hpp"
#include "preview/pictures.hpp"
#include "view/picture.hpp"

namespace tessera::desktop {

struct PreviewRequest {
  std::filesystem::path file;
  PipelineSteps pipeline;      ///< may be empty: the picture as it is
  QSize viewport;              ///< in pixels of the screen
  std::optional<double> zoom;  ///< screen pixels for each pixel of the result; nothing: to fit the viewport
  QRect visible;               ///< of the result, in its pixels; matters where the zoom is given
  bool full_size_allowed = true;  ///< whether the whole picture may be processed where a copy is not faithful
};

enum class PreviewQuality : std::uint8_t {
  copy,    ///< from a small copy of the picture
  region,  ///< what is visible is exact
  exact    ///< from a run over the whole picture
};

struct PreviewResult {
  std::uint64_t number = 0;  ///< of the request
  std::filesystem::path file;
  ImageInfo in;
  ImageInfo out;
  Picture before;
  Picture after;
  PreviewQuality quality = PreviewQuality::copy;
  bool final = false;               ///< nothing better will follow
  QStringList approximate_because;  ///< sentences; empty if the preview is faithful
  Histogram histogram_before;
  Histogram histogram_after;
  double milliseconds = 0;         ///< of the run
  std::vector<Findings> findings;  ///< of an exact run
  QString error;                   ///< a sentence; pictures are empty except perhaps `before`
};

}  // namespace tessera::desktop
