// SPDX-License-Identifier: Apache-2.0
// JPEGs that are read 2, 4 or 8 times smaller, against the definition: cosine transforms of that size in double
// precision over the coefficients that libjpeg finds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
// libjpeg's headers need <cstdio> before them.
#include <jpeglib.h>

#include <cmath>
#include <numbers>

#include "made_jpeg.hpp"
#include "support.hpp"

namespace tessera::test {
namespace {

/// One component's samples, in double precision.
cv::Mat reference_samples(jpeg_decompress_struct& jpeg, jvirt_barray_ptr blocks,
                          const jpeg_component_info& component, int rows, int columns) {
  const auto across = static_cast<int>(component.width_in_blocks);
  const auto down = static_cast<int>(component.height_in_blocks);
  cv::Mat samples(down * rows, across * columns, CV_64F);
  const auto basis = [](int frequency, int sample, int size) {
    return (frequency == 0 ? std::sqrt(0.125) : 0.5) *
           std::cos((2 * sample + 1) * frequency * std::numbers::pi / (2 * size));
  };
  for (int block_row = 0; block_row < down; ++block_row) {
    JBLOCKARRAY line = jpeg.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&jpeg), blocks,
                                                    static_cast<JDIMENSION>(block_row), 1, FALSE);
    for (int block = 0; block < across; ++block) {
      for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) {
          double sum = 128;
          for (int v = 0; v < rows; ++v) {
            for (int u = 0; u < columns; ++u) {
              sum += line[0][block][v * 8 + u] * component.quant_table->quantval[v * 8 + u] *
                     basis(v, y, rows) * basis(u, x, columns);
            }
          }
          samples.at<double>(block_row * rows + y, block * columns + x) =
              std::clamp(std::floor(sum + 0.5 + 1e-6), 0.0, 255.0);
        }
      }
    }
  }
  return samples;
}

/// The reduced picture; as many channels as the JPEG has.
Tile reference(const Bytes& bytes, int factor) {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  jvirt_barray_ptr* const blocks = jpeg_read_coefficients(&jpeg);
  std::vector<cv::Mat> samples;
  for (int i = 0; i < jpeg.num_components; ++i) {
    const jpeg_component_info& component = jpeg.comp_info[i];
    samples.push_back(reference_samples(jpeg, blocks[i], component,
                                        8 / factor * jpeg.max_v_samp_factor / component.v_samp_factor,
                                        8 / factor * jpeg.max_h_samp_factor / component.h_samp_factor));
  }
  const int channels = jpeg.num_components;
  const Extent extent{jpeg.image_width / static_cast<unsigned>(factor),
                      jpeg.image_height / static_cast<unsigned>(factor)};
  jpeg_destroy_decompress(&jpeg);
  Tile out = Tile::allocate(Rect::whole(extent), {Depth::u8, channels, false});
  for (int y = 0; y < out.color.rows; ++y) {
    for (int x = 0; x < out.color.cols; ++x) {
      auto* const pixel = out.color.ptr<uchar>(y) + x * channels;
      const double luma = samples[0].at<double>(y, x);
      if (channels == 1) {
        pixel[0] = static_cast<uchar>(luma);
        continue;
      }
      const double cb = samples[1].at<double>(y, x) - 128;
      const double cr = samples[2].at<double>(y, x) - 128;
      pixel[0] = cv::saturate_cast<uchar>(luma + 1.402 * cr);
      pixel[1] = cv::saturate_cast<uchar>(luma - 0.344136 * cb - 0.714136 * cr);
      pixel[2] = cv::saturate_cast<uchar>(luma + 1.772 * cb);
    }
  }
  return out;
}

std::unique_ptr<Source> open_reduced(const Bytes& bytes, int factor) {
  auto source = open_image(std::span<const std::byte>(bytes));
  EXPECT_TRUE(source->reduce(factor)) << factor;
  return source;
}

TEST(ReducedJpeg, IsTheTransformOfItsSize) {
  for (const auto& [columns, rows] : {std::pair{1, 1}, {2, 1}, {2, 2}}) {
    for (const int channels : {1, 3}) {
      for (const int noise : {0, 60}) {
        const Coding coding{.columns = columns, .rows = rows, .quality = 80};
        const Bytes bytes = encode(make_picture({328, 200}, channels, noise, 5), coding);
        for (const int factor : {2, 4, 8}) {
          const Tile expected = reference(bytes, factor);
          const auto what = fmt::format("{}x{}, {} channels, by {}", columns, rows, channels, factor);
          const Tile got = read_whole(*open_reduced(bytes, factor), 1000);
          EXPECT_LE(difference(got, expected), 2) << what;
          EXPECT_LE(mean_difference(got, expected), 0.02) << what;
        }
      }
    }
  }
}

TEST(ReducedJpeg, DoesNotDependOnHowManyRowsAreRead) {
  const Bytes bytes =
      encode(make_picture({312, 232}, 3, 40, 9), {.columns = 2, .rows = 2, .restart_mcus = 7});
  for (const int factor : {2, 4, 8}) {
    const Tile expected = read_whole(*open_reduced(bytes, factor), 1000);
    for (const std::int64_t rows : {1, 2, 3, 5, 8, 13}) {
      EXPECT_EQ(difference(read_whole(*open_reduced(bytes, factor), rows), expected), 0) << rows;
      EXPECT_EQ(difference(read_unfinished(*open_reduced(bytes, factor), rows), expected), 0) << rows;
    }
    const auto source = open_reduced(bytes, factor);
    static_cast<void>(read_whole(*source, 16));
    source->rewind();
    EXPECT_EQ(difference(read_whole(*source, 16), expected), 0) << "once more";
  }
}

TEST(ReducedJpeg, IsNearTheMeansOfTheFullPicture) {
  const Bytes bytes = encode(make_picture({640, 480}, 3, 6, 2), {.columns = 2, .rows = 2, .quality = 85});
  const Tile full = read_whole(*open_image(std::span<const std::byte>(bytes)), 64);
  for (const int factor : {2, 4, 8}) {
    Tile means = Tile::allocate(Rect::whole({640 / factor, 480 / factor}), {});
    for (int y = 0; y < means.color.rows; ++y) {
      for (int x = 0; x < means.color.cols; ++x) {
        const cv::Scalar mean = cv::mean(full.color(cv::Rect(x * factor, y * factor, factor, factor)));
        for (int c = 0; c < 3; ++c) {
          means.color.ptr<uchar>(y)[3 * x + c] = cv::saturate_cast<uchar>(mean[c]);
        }
      }
    }
    EXPECT_LT(mean_difference(read_whole(*open_reduced(bytes, factor), 64), means), 1.5) << factor;
  }
}

TEST(ReducedJpeg, OnlyWhereItIsExactlyAligned) {
  const auto reduces = [](const cv::Size& size, int factor) {
    const Bytes bytes = encode(make_picture(size, 3, 0, 1), {.columns = 2, .rows = 2});
    return open_image(std::span<const std::byte>(bytes))->reduce(factor);
  };
  EXPECT_TRUE(reduces({64, 64}, 8));
  EXPECT_TRUE(reduces({36, 44}, 4));
  EXPECT_FALSE(reduces({36, 44}, 8));
  EXPECT_FALSE(reduces({63, 64}, 2));
  EXPECT_FALSE(reduces({64, 64}, 3));
  EXPECT_FALSE(reduces({64, 64}, 16));
  const Bytes bytes = encode(make_picture({64, 64}, 3, 0, 1), {});
  const auto begun = open_image(std::span<const std::byte>(bytes));
  Tile row = Tile::allocate(Rect::of_rows({0, 1}, 64), {});
  begun->read_rows(row);
  EXPECT_FALSE(begun->reduce(2)) << "a row has been read";
}

TEST(ReducedJpeg, SaysTheSameOfDamageAsTheFullPicture) {
  Bytes bytes = encode(make_picture({320, 240}, 3, 50, 4), {.columns = 2, .rows = 2});
  bytes.resize(bytes.size() / 2);
  const auto sentence = [&](int factor) {
    const auto source = open_image(std::span<const std::byte>(bytes));
    if (factor > 1) {
      EXPECT_TRUE(source->reduce(factor));
    }
    try {
      static_cast<void>(read_whole(*source, 5));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(sentence(1), "");
  for (const int factor : {2, 4, 8}) {
    EXPECT_EQ(sentence(factor), sentence(1)) << factor;
  }
}

}  // namespace
}  // namespace tessera::test
