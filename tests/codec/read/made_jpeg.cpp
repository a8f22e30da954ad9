// SPDX-License-Identifier: Apache-2.0
#include "made_jpeg.hpp"

#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jpeglib.h>

#include <cstring>
#include <random>
#include <thread>

namespace tessera::test {

cv::Mat make_picture(const cv::Size& size, int channels, int noise, unsigned seed) {
  std::mt19937 random(seed);
  cv::Mat picture(size, CV_8UC(channels));
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < channels; ++c) {
        const int drift = (x * (3 + c) + y * (7 - 2 * c) + static_cast<int>(seed)) / 2 % 512;
        const int level = std::abs(drift - 256) + (noise > 0 ? static_cast<int>(random()) % noise : 0);
        picture.ptr(y, x)[c] = cv::saturate_cast<uchar>(level);
      }
    }
  }
  return picture;
}

Bytes encode(const cv::Mat& picture, const Coding& coding) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = static_cast<JDIMENSION>(picture.cols);
  jpeg.image_height = static_cast<JDIMENSION>(picture.rows);
  jpeg.input_components = picture.channels();
  jpeg.in_color_space = picture.channels() == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, coding.quality, TRUE);
  jpeg.comp_info[0].h_samp_factor = coding.columns;
  jpeg.comp_info[0].v_samp_factor = coding.rows;
  jpeg.restart_interval = static_cast<unsigned>(coding.restart_mcus);
  jpeg.optimize_coding = coding.own_tables ? TRUE : FALSE;
  if (coding.progressive) {
    jpeg_simple_progression(&jpeg);
  }
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < picture.rows; ++y) {
    auto* row = const_cast<JSAMPROW>(picture.ptr(y));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  Bytes bytes(size);
  std::memcpy(bytes.data(), memory, size);
  std::free(memory);
  if (coding.coarse) {
    for (std::size_t i = 0; i + 70 < bytes.size(); ++i) {
      if (bytes[i] == std::byte{0xFF} && bytes[i + 1] == std::byte{0xDB}) {
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(i) + 5, 64, std::byte{0xFE});
      }
    }
  }
  return bytes;
}

Tile read_unfinished(Source& source, std::int64_t rows_at_once) {
  const ImageInfo info = source.info();
  Tile whole = Tile::allocate(Rect::whole(info.extent), info.format);
  struct Part {
    Tile tile;
    std::unique_ptr<DeferredRows> rest;
  };
  std::vector<Part> parts;
  for (std::int64_t y = 0; y < info.extent.height; y += rows_at_once) {
    Part& part = parts.emplace_back();
    part.tile = whole.view({0, y, info.extent.width, std::min(rows_at_once, info.extent.height - y)});
    part.rest = source.read_rows_deferred(part.tile);
  }
  const auto finish_every_second = [&](std::size_t first) {
    for (std::size_t i = parts.size(); i-- > 0;) {
      if (i % 2 == first && parts[i].rest) {
        parts[i].rest->finish(parts[i].tile);
      }
    }
  };
  std::jthread other([&] { finish_every_second(1); });
  finish_every_second(0);
  other.join();
  return whole;
}

}  // namespace tessera::test
