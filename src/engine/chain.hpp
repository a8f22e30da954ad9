// Runs one strip through a chain of fused operators. Two buffers take turns; each leaves room around the
// pixels for the next operator's ghost pixels, so nothing is copied between operators.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "core/bytes.hpp"
#include "plan/plan.hpp"

namespace tessera {

/// Fills `out` (allocated; its rect may reach above and below the image only when the first operator wraps)
/// with the stage's input.
using FetchPixels = std::function<void(Tile& out)>;

/// Scratch of one worker; reused from strip to strip so that its memory is touched for the first time only
/// once.
class ChainRunner {
 public:
  /// The result covers `rows` at full width and stays valid until the next call. `findings[i]` takes what
  /// chain[i] finds. Throws Error(cancelled) before the next operator, or within it, once a stop is asked
  /// for.
  Tile run(const std::vector<ChainLink>& chain, const ImageInfo& in, const Interval& rows,
           const FetchPixels& fetch, std::vector<std::vector<double>>& findings, const std::stop_token& stop);

 private:
  /// A plane for `rect` grown by `margin`, in the buffer that is not in use; returns the plane of `rect`
  /// itself.
  cv::Mat place(const Rect& rect, const Halo& margin, int type);
  cv::Mat place_alpha(const Rect& rect, int type);

  Bytes color_[2];
  Bytes alpha_[2];
  int color_turn_ = 0;
  int alpha_turn_ = 0;
};

}  // namespace tessera
