// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <opencv2/core.hpp>

namespace tessera::test {

std::filesystem::path data_file(const std::string& name) {
  return std::filesystem::path(TESSERA_TEST_DATA_DIR) / "codec" / name;
}

std::filesystem::path case_file(const std::string& name) {
  return std::filesystem::path(TESSERA_CASES_DIR) / name;
}

Bytes load_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  Bytes bytes(std::filesystem::file_size(path));
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

Tile read_whole(Source& source, std::int64_t strip_rows) {
  const ImageInfo info = source.info();
  Tile whole = Tile::allocate(Rect::whole(info.extent), info.format);
  for (std::int64_t y = 0; y < info.extent.height; y += strip_rows) {
    Tile strip = whole.view({0, y, info.extent.width, std::min(strip_rows, info.extent.height - y)});
    source.read_rows(strip);
  }
  return whole;
}

Tile read_whole(const std::filesystem::path& path, const ReadOptions& options) {
  return read_whole(*open_image(path, options));
}

std::unique_ptr<Source> open_by_vips(const std::filesystem::path& path, ImageFormat format) {
  const auto input = open_file_input(path, path.string());
  return finish_opening(open_vips(input, format, {}), *input, {});
}

namespace {

bool same_shape(const Tile& a, const Tile& b) {
  return a.color.size() == b.color.size() && a.color.type() == b.color.type() &&
         a.alpha.size() == b.alpha.size();
}

}  // namespace

double difference(const Tile& a, const Tile& b) {
  if (!same_shape(a, b)) {
    return -1;
  }
  const double color = cv::norm(a.color, b.color, cv::NORM_INF);
  return a.alpha.empty() ? color : std::max(color, cv::norm(a.alpha, b.alpha, cv::NORM_INF));
}

double mean_difference(const Tile& a, const Tile& b) {
  if (!same_shape(a, b)) {
    return -1;
  }
  return cv::norm(a.color, b.color, cv::NORM_L1) /
         (static_cast<double>(a.color.total()) * static_cast<double>(a.color.channels()));
}

Bytes interleave(const Tile& tile) {
  const std::size_t sample = tile.color.elemSize1();
  const std::size_t color_bytes = tile.color.elemSize();
  const std::size_t pixel_bytes = color_bytes + (tile.alpha.empty() ? 0 : sample);
  Bytes out(tile.color.total() * pixel_bytes);
  std::size_t at = 0;
  for (int y = 0; y < tile.color.rows; ++y) {
    for (int x = 0; x < tile.color.cols; ++x) {
      std::memcpy(out.data() + at, tile.color.ptr(y, x), color_bytes);
      at += color_bytes;
      if (!tile.alpha.empty()) {
        std::memcpy(out.data() + at, tile.alpha.ptr(y, x), sample);
        at += sample;
      }
    }
  }
  return out;
}

namespace {

template <class Open>
Refusal refusal(Open open) {
  try {
    const auto source = open();
    [[maybe_unused]] const Tile tile = read_whole(*source);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "it was read";
  return {};
}

}  // namespace

Refusal refusal_of(const std::filesystem::path& path, const ReadOptions& options) {
  return refusal([&] { return open_image(path, options); });
}

Refusal refusal_of(Bytes bytes, const ReadOptions& options) {
  return refusal([&] { return open_image(std::move(bytes), options); });
}

}  // namespace tessera::test
