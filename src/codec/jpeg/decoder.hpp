// SPDX-License-Identifier: Apache-2.0
// Every kind of JPEG, row by row, by libjpeg-turbo.
#pragma once

#include <memory>
#include <optional>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/jpeg/entropy.hpp"
#include "codec/jpeg/markers.hpp"

namespace tessera {

class JpegDecoder : public RowDecoder {
 public:
  /// Whether libjpeg has understood the same size and components.
  [[nodiscard]] virtual bool agrees_with(const JpegLayout& layout) const = 0;
  [[nodiscard]] virtual bool several_scans() = 0;
  /// What JpegEntropy has to know, if the image is of a kind that it reads. Before the first row.
  [[nodiscard]] virtual std::optional<JpegScan> plain_scan() = 0;
};

/// Reads the header. It and its calls throw Error(damaged_input, limit_exceeded, io).
[[nodiscard]] std::unique_ptr<JpegDecoder> make_jpeg_decoder(const InputPtr& input,
                                                             const ReadOptions& options);

}  // namespace tessera
