// SPDX-License-Identifier: Apache-2.0
// What is written is read back as it was, by readers that are not the writers' kin (libspng, libtiff,
// libjpeg).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <jpeglib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <opencv2/core.hpp>
#include <thread>

#include "base/error.hpp"
#include "codec/reader.hpp"
#include "codec/writer.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class Writing : public ::testing::Test {
 protected:
  Writing() : folder_(fs::temp_directory_path() / fmt::format("tessera-write-{}", getpid())) {
    fs::create_directories(folder_);
  }
  ~Writing() override { fs::remove_all(folder_); }
  fs::path folder_;
};

void write(const fs::path& file, const Tile& image, const WriteOptions& options,
           const Metadata& metadata = {}) {
  const auto sink = open_sink(file, info_of(image), metadata, options);
  for (std::int64_t y = 0; y < image.rect.height; y += sink->piece_rows()) {
    const std::int64_t end = std::min(image.rect.height, y + sink->piece_rows());
    sink->append(sink->encode(image.view(Rect::of_rows({y, end}, image.rect.width))));
  }
  sink->finish();
}

Tile read(const fs::path& file) {
  const auto source = open_image(file);
  Tile image = whole_tile(source->info());
  source->read_rows(image);
  return image;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::vector<Extent> extents{{1, 1}, {1, 257}, {257, 1}, {63, 65}, {521, 509}, {300, 3001}};

TEST_F(Writing, LosslessFormatsGiveBackEveryPixel) {
  for (const Extent& extent : extents) {
    for (const Depth depth : {Depth::u8, Depth::u16}) {
      for (const int channels : {1, 3}) {
        for (const bool alpha : {false, true}) {
          const Tile image = make_image({extent, {depth, channels, alpha}}, Pattern::photo_like, 3);
          write(folder_ / "a.png", image, {.format = FileFormat::png});
          EXPECT_EQ(difference(read(folder_ / "a.png"), image), 0) << extent.width << "x" << extent.height;
          for (const auto compression :
               {TiffCompression::none, TiffCompression::lzw, TiffCompression::deflate}) {
            write(folder_ / "a.tif", image,
                  {.format = FileFormat::tiff, .tiff = {.compression = compression}});
            EXPECT_EQ(difference(read(folder_ / "a.tif"), image), 0)
                << extent.width << "x" << extent.height << " compression " << static_cast<int>(compression);
          }
        }
      }
    }
  }
}

/// The whole image in one encode, as any program would.
std::string whole_jpeg(const Tile& image, int quality, bool full_chroma) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_width = static_cast<JDIMENSION>(image.color.cols);
  jpeg.image_height = static_cast<JDIMENSION>(image.color.rows);
  jpeg.input_components = image.color.channels();
  jpeg.in_color_space = image.color.channels() == 3 ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  if (full_chroma) {
    jpeg.comp_info[0].h_samp_factor = 1;
    jpeg.comp_info[0].v_samp_factor = 1;
  }
  jpeg.restart_in_rows = 1;
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < image.color.rows; ++y) {
    JSAMPROW rows[1] = {const_cast<JSAMPROW>(image.color.ptr(y))};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string bytes(reinterpret_cast<const char*>(memory), size);
  std::free(memory);
  return bytes;
}

TEST_F(Writing, SplicedJpegHasTheBytesOfOneEncode) {
  for (const Extent& extent : extents) {
    for (const int channels : {1, 3}) {
      for (const int quality : {40, 85, 95}) {
        const Tile image = make_image({extent, {Depth::u8, channels, false}}, Pattern::photo_like, 4);
        write(folder_ / "a.jpg", image, {.format = FileFormat::jpeg, .quality = quality});
        EXPECT_TRUE(bytes_of(folder_ / "a.jpg") == whole_jpeg(image, quality, quality >= 90))
            << extent.width << "x" << extent.height << ", " << channels << " channels, quality " << quality;
      }
    }
  }
}

TEST_F(Writing, WebpComesCloseAndKeepsAlpha) {
  const Tile image = make_image({{200, 150}, {Depth::u8, 3, true}}, Pattern::zones, 5);
  write(folder_ / "a.webp", image, {.format = FileFormat::webp, .quality = 95});
  const Tile back = read(folder_ / "a.webp");
  EXPECT_EQ(cv::norm(back.alpha, image.alpha, cv::NORM_INF), 0);
  EXPECT_EQ(back.color.size(), image.color.size());
}

TEST_F(Writing, PiecesMayBeEncodedOnAnyThread) {
  const Tile image = make_image({{700, 2000}, {Depth::u8, 3, false}}, Pattern::photo_like, 7);
  for (const FileFormat format : {FileFormat::png, FileFormat::jpeg, FileFormat::tiff}) {
    const auto sink = make_encoder(info_of(image), {.format = format});
    const std::int64_t rows = sink->piece_rows();
    const Tile piece = image.view(Rect::of_rows({rows, std::min<std::int64_t>(2000, 2 * rows)}, 700));
    const EncodedPiece alone = sink->encode(piece);
    std::vector<EncodedPiece> together(8);
    {
      std::vector<std::jthread> threads;
      for (EncodedPiece& one : together) {
        threads.emplace_back([&] { one = sink->encode(piece); });
      }
    }
    for (const EncodedPiece& one : together) {
      EXPECT_TRUE(one.body == alone.body && one.index == alone.index) << format_extension(format);
    }
  }
}

TEST_F(Writing, LeavesNothingWhenGivenUpOrKilled) {
  const Tile image = make_image({{64, 64}, {Depth::u8, 3, false}}, Pattern::noise, 8);
  for (const FileFormat format : {FileFormat::png, FileFormat::jpeg, FileFormat::tiff, FileFormat::webp}) {
    const fs::path file = folder_ / fmt::format("gone.{}", format_extension(format));
    { const auto abandoned = open_sink(file, info_of(image), {}, {.format = format}); }
    const pid_t child = fork();
    if (child == 0) {
      const auto sink = open_sink(file, info_of(image), {}, {.format = format});
      sink->append(
          sink->encode(image.view(Rect::of_rows({0, std::min<std::int64_t>(64, sink->piece_rows())}, 64))));
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Writing, SaysWhatIsWrong) {
  const ImageInfo info{{8, 8}, {}};
  const auto sentence = [&](const fs::path& target, const ImageInfo& what, FileFormat format) -> std::string {
    try {
      static_cast<void>(open_sink(target, what, {}, {.format = format}));
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was refused";
  };
  EXPECT_NE(sentence(folder_ / "no" / "a.png", info, FileFormat::png).find("does not exist"),
            std::string::npos);
  EXPECT_NE(sentence(folder_ / "a.jpg", {{65501, 8}, {}}, FileFormat::jpeg).find("65500"), std::string::npos);
  EXPECT_NE(sentence(folder_ / "a.webp", {{8, 20000}, {}}, FileFormat::webp).find("16383"),
            std::string::npos);
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace tessera::testing
