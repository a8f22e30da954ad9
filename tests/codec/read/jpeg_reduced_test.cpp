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

#include "image/reduced_extent.hpp"
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
  const Extent extent = reduced_extent({jpeg.image_width, jpeg.image_height}, factor);
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

/// `size` at every sampling that is read by code of our own, in colour and gray.
void expect_transforms(const cv::Size& size, int noise, const Coding& coding) {
  for (const auto& [columns, rows] : {std::pair{1, 1}, {2, 1}, {2, 2}}) {
    for (const int channels : {1, 3}) {
      Coding sampled = coding;
      sampled.columns = columns;
      sampled.rows = rows;
      const Bytes bytes = encode(make_picture(size, channels, noise, 5), sampled);
      for (const int factor : {2, 4, 8}) {
        const Tile expected = reference(bytes, factor);
        const auto what = fmt::format(
            "{}x{}, sampled {}x{}, {} channels, noise {}, quality {}, restarts {}, by {}", size.width,
            size.height, columns, rows, channels, noise, coding.quality, coding.restart_mcus, factor);
        const Tile got = read_whole(*open_reduced(bytes, factor), 1000);
        ASSERT_EQ(got.rect, expected.rect) << what;
        // A level of each component: Cr's counts 1.4 times in red, and Cb's 1.8 times in blue.
        EXPECT_LE(difference(got, expected), channels == 1 ? 1 : 3) << what;
        EXPECT_LE(mean_difference(got, expected), 0.02) << what;
      }
    }
  }
}

TEST(ReducedJpeg, IsTheTransformOfItsSize) {
  for (const int noise : {0, 60}) {
    expect_transforms({328, 200}, noise, {.quality = 80});
  }
}

TEST(ReducedJpeg, IsTheTransformAtEverySize) {
  for (const cv::Size& size :
       {cv::Size{329, 201}, {335, 207}, {17, 300}, {300, 9}, {9, 9}, {16, 16}, {131, 65}}) {
    expect_transforms(size, 30, {.quality = 85});
  }
}

// At quality 100 noise fills blocks up to their last coefficient, behind which no code ends them; at quality 1 most have
// none but the first.
TEST(ReducedJpeg, IsTheTransformWhateverTheTablesAndRestarts) {
  for (const int quality : {1, 40, 92, 100}) {
    for (const int noise : {0, 30, 256}) {
      for (const int restart_mcus : {0, 1, 7}) {
        for (const bool own_tables : {false, true}) {
          expect_transforms({203, 87}, noise,
                            {.quality = quality, .restart_mcus = restart_mcus, .own_tables = own_tables});
        }
      }
    }
  }
}

TEST(ReducedJpeg, DoesNotDependOnHowManyRowsAreRead) {
  const Bytes bytes =
      encode(make_picture({315, 231}, 3, 40, 9), {.columns = 2, .rows = 2, .restart_mcus = 7});
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

/// Means of the full picture's pixels that each reduced one stands for.
Tile means_of(const Bytes& bytes, int factor) {
  const Tile full = read_whole(*open_image(std::span<const std::byte>(bytes)), 64);
  Tile means = Tile::allocate(Rect::whole(reduced_extent({full.rect.width, full.rect.height}, factor)), {});
  for (int y = 0; y < means.color.rows; ++y) {
    for (int x = 0; x < means.color.cols; ++x) {
      const cv::Rect covered(x * factor, y * factor, factor, factor);
      const cv::Scalar mean = cv::mean(full.color(covered & cv::Rect({0, 0}, full.color.size())));
      for (int c = 0; c < 3; ++c) {
        means.color.ptr<uchar>(y)[3 * x + c] = cv::saturate_cast<uchar>(mean[c]);
      }
    }
  }
  return means;
}

// Progressive files are read by libjpeg.
TEST(ReducedJpeg, IsNearTheMeansOfTheFullPicture) {
  for (const cv::Size& size : {cv::Size{640, 480}, {637, 471}}) {
    for (const Coding& coding :
         {Coding{.columns = 2, .rows = 2, .quality = 85},

          Coding{.columns = 2, .rows = 2, .quality = 85, .progressive = true}, Coding{.progressive = true}}) {
      const Bytes bytes = encode(make_picture(size, 3, 6, 2), coding);
      for (const int factor : {2, 4, 8}) {
        const Tile means = means_of(bytes, factor);
        const Tile got = read_whole(*open_reduced(bytes, factor), 64);
        ASSERT_EQ(got.rect, means.rect);
        EXPECT_LT(mean_difference(got, means), 1.5) << size << ' ' << coding.columns << 'x' << coding.rows
                                                    << ' ' << coding.progressive << ' ' << factor;
      }
    }
  }
}

// libjpeg, which reads these, does not come near enough to the full picture.
TEST(ReducedJpeg, NotOfRareSamplings) {
  for (const Coding& coding : {Coding{.columns = 1, .rows = 2}, Coding{.columns = 4, .rows = 1},
                               Coding{.columns = 2, .rows = 1, .progressive = true}}) {
    const Bytes bytes = encode(make_picture({64, 64}, 3, 0, 1), coding);
    EXPECT_FALSE(open_image(std::span<const std::byte>(bytes))->reduce(2))
        << coding.columns << 'x' << coding.rows << ' ' << coding.progressive;
  }
}

TEST(ReducedJpeg, OnlyByPowersOfTwoAndBeforeTheFirstRow) {
  for (const bool progressive : {false, true}) {
    const Bytes bytes = encode(make_picture({63, 64}, 3, 0, 1), {.progressive = progressive});
    const auto reduces = [&](int factor) {
      return open_image(std::span<const std::byte>(bytes))->reduce(factor);
    };
    EXPECT_TRUE(reduces(2) && reduces(4) && reduces(8));
    EXPECT_FALSE(reduces(0));
    EXPECT_FALSE(reduces(3));
    EXPECT_FALSE(reduces(16));
    const auto begun = open_image(std::span<const std::byte>(bytes));
    Tile row = Tile::allocate(Rect::of_rows({0, 1}, 63), {});
    begun->read_rows(row);
    EXPECT_FALSE(begun->reduce(2)) << "a row has been read";
  }
}

/// A picture stored in another orientation.
Bytes with_orientation(Bytes jpeg, int orientation) {
  using namespace std::string_literals;
  const std::string marker =
      "\xFF\xE1\x00\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s +
      static_cast<char>(orientation) + "\0\0\0\0\0\0"s;
  const auto* const begin = reinterpret_cast<const std::byte*>(marker.data());
  jpeg.insert(jpeg.begin() + 2, begin, begin + marker.size());
  return jpeg;
}

// Elsewhere the pixels that stand for fewer of the full picture would come first.
TEST(ReducedJpeg, TurnedPicturesOnlyWhereTheirFirstPixelsAreWhole) {
  const auto reduces = [](const cv::Size& size, int orientation) {
    const Bytes bytes = with_orientation(encode(make_picture(size, 3, 0, 1), {}), orientation);
    const auto source = open_image(std::span<const std::byte>(bytes));
    EXPECT_EQ(source->info().extent,
              orientation >= 5 ? (Extent{size.height, size.width}) : (Extent{size.width, size.height}));
    return source->reduce(8);
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_TRUE(reduces({64, 48}, orientation)) << orientation;
  }
  // Stored columns that come in reverse, and stored rows.
  for (const int orientation : {2, 3, 7, 8}) {
    EXPECT_FALSE(reduces({63, 48}, orientation)) << orientation;
  }
  for (const int orientation : {3, 4, 6, 7}) {
    EXPECT_FALSE(reduces({64, 47}, orientation)) << orientation;
  }
  EXPECT_TRUE(reduces({63, 48}, 4) && reduces({63, 48}, 5) && reduces({63, 48}, 6));
  EXPECT_TRUE(reduces({64, 47}, 2) && reduces({64, 47}, 5) && reduces({64, 47}, 8));
}

TEST(ReducedJpeg, SaysTheSameOfDamageAsTheFullPicture) {
  for (const bool progressive : {false, true}) {
    Bytes bytes =
        encode(make_picture({317, 235}, 3, 50, 4), {.columns = 2, .rows = 2, .progressive = progressive});
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
}

}  // namespace
}  // namespace tessera::test
