// SPDX-License-Identifier: Apache-2.0
// Helpers for tests that read images.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.hpp"
#include "codec/common/openers.hpp"
#include "codec/reader.hpp"

namespace tessera::test {

[[nodiscard]] std::filesystem::path data_file(const std::string& name);
[[nodiscard]] std::filesystem::path case_file(const std::string& name);
[[nodiscard]] Bytes load_file(const std::filesystem::path& path);

/// The whole image, read in strips of `strip_rows`.
[[nodiscard]] Tile read_whole(Source& source, std::int64_t strip_rows = 7);
[[nodiscard]] Tile read_whole(const std::filesystem::path& path, const ReadOptions& options = {});

/// The whole image decoded by libvips whatever the format, orientation applied.
[[nodiscard]] std::unique_ptr<Source> open_by_vips(const std::filesystem::path& path, ImageFormat format);

/// Greatest difference of any two samples; -1 where sizes or formats differ.
[[nodiscard]] double difference(const Tile& a, const Tile& b);

/// The mean of the differences.
[[nodiscard]] double mean_difference(const Tile& a, const Tile& b);

/// Colours and alpha interleaved as in a file.
[[nodiscard]] Bytes interleave(const Tile& tile);

/// The code of the Error that opening and reading gives; fails the test where there is none.
struct Refusal {
  ErrorCode code{};
  std::string sentence;
};
[[nodiscard]] Refusal refusal_of(const std::filesystem::path& path, const ReadOptions& options = {});
[[nodiscard]] Refusal refusal_of(Bytes bytes, const ReadOptions& options = {});

}  // namespace tessera::test
