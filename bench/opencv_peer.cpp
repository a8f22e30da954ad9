// SPDX-License-Identifier: Apache-2.0
// What a good engineer would write with OpenCV alone: read, process whole images with two threads, write.
// Prints the seconds of each phase as JSON.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>
#include <string>
#include <vector>

namespace {

using Step = void (*)(const cv::Mat&, cv::Mat&);

cv::Mat gray_of(const cv::Mat& in) {
  cv::Mat gray;
  cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
  return gray;
}

void sobel(const cv::Mat& in, cv::Mat& out) {
  cv::Mat gx;
  cv::Mat gy;
  cv::Sobel(in, gx, CV_32F, 1, 0);
  cv::Sobel(in, gy, CV_32F, 0, 1);
  cv::Mat length;
  cv::magnitude(gx.reshape(1), gy.reshape(1), length);
  length.reshape(in.channels()).convertTo(out, CV_8U);
}

void otsu(const cv::Mat& gray, cv::Mat& out) {
  cv::threshold(gray, out, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
}

void edges_chain(const cv::Mat& in, cv::Mat& out) {
  const cv::Mat gray = gray_of(in);
  cv::Mat blurred;
  cv::GaussianBlur(gray, blurred, {11, 11}, 1.5);
  cv::Mat soft;
  cv::GaussianBlur(blurred, soft, {13, 13}, 2);
  cv::Mat sharp;
  cv::addWeighted(blurred, 2, soft, -1, 0, sharp);
  cv::Mat edges;
  sobel(sharp, edges);
  otsu(edges, out);
}

cv::Mat level_table(double (*level)(double)) {
  cv::Mat table(1, 256, CV_8U);
  for (int i = 0; i < 256; ++i) {
    table.at<std::uint8_t>(i) = cv::saturate_cast<std::uint8_t>(level(i));
  }
  return table;
}

void levels_chain(const cv::Mat& in, cv::Mat& out) {
  cv::Mat negative;
  cv::bitwise_not(in, negative);
  cv::Mat brightened;
  cv::LUT(negative, level_table([](double v) { return 255 * std::pow(v / 255, 1 / 2.2); }), brightened);
  brightened.convertTo(out, CV_8U, 1.2, 127.5 - 1.2 * 127.5 + 10);
}

void butterworth(const cv::Mat& in, cv::Mat& out) {
  constexpr double cutoff = 0.1;
  constexpr int margin = 20;
  const cv::Size period(cv::getOptimalDFTSize(in.cols + margin), cv::getOptimalDFTSize(in.rows + margin));
  // Gains of a spectrum as cv::dft packs it: column x holds frequency (x + 1) / 2, and the columns of
  // frequency 0 and one half are packed along y likewise.
  cv::Mat gains(period, CV_32F);
  for (int y = 0; y < period.height; ++y) {
    for (int x = 0; x < period.width; ++x) {
      const bool packed_down = x == 0 || (period.width % 2 == 0 && x == period.width - 1);
      const int row = packed_down ? (y + 1) / 2 : std::min(y, period.height - y);
      const double fy = static_cast<double>(row) / period.height;
      const double fx = static_cast<double>((x + 1) / 2) / period.width;
      const double ratio = (fx * fx + fy * fy) / (cutoff * cutoff);
      gains.at<float>(y, x) = static_cast<float>(1 / (1 + ratio * ratio));
    }
  }
  std::vector<cv::Mat> channels;
  cv::split(in, channels);
  for (cv::Mat& channel : channels) {
    const int right = period.width - in.cols;
    const int below = period.height - in.rows;
    cv::Mat continued;
    cv::copyMakeBorder(channel, continued, below / 2, below - below / 2, right / 2, right - right / 2,
                       cv::BORDER_REFLECT_101);
    cv::Mat spectrum;
    continued.convertTo(spectrum, CV_32F);
    cv::dft(spectrum, spectrum);
    cv::multiply(spectrum, gains, spectrum);
    cv::dft(spectrum, spectrum, cv::DFT_INVERSE | cv::DFT_SCALE);
    spectrum(cv::Rect(right / 2, below / 2, in.cols, in.rows)).convertTo(channel, CV_8U);
  }
  cv::merge(channels, out);
}

const std::map<std::string, Step> steps{
    {"copy", [](const cv::Mat& in, cv::Mat& out) { out = in; }},
    {"invert", [](const cv::Mat& in, cv::Mat& out) { cv::bitwise_not(in, out); }},
    {"gaussian-blur",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::GaussianBlur(in, out, {31, 31}, 5);
     }},
    {"median", [](const cv::Mat& in, cv::Mat& out) { cv::medianBlur(in, out, 5); }},
    {"sobel", sobel},
    {"canny", [](const cv::Mat& in, cv::Mat& out) { cv::Canny(gray_of(in), out, 60, 140); }},
    {"otsu", [](const cv::Mat& in, cv::Mat& out) { otsu(gray_of(in), out); }},
    {"resize", [](const cv::Mat& in, cv::Mat& out) { cv::resize(in, out, {}, 0.5, 0.5, cv::INTER_AREA); }},
    {"bilateral", [](const cv::Mat& in, cv::Mat& out) { cv::bilateralFilter(in, out, 9, 30, 3); }},
    {"non-local-means", [](const cv::Mat& in, cv::Mat& out) { cv::fastNlMeansDenoising(in, out, 8, 7, 15); }},
    {"edges-chain", edges_chain},
    {"levels-chain", levels_chain},
    {"butterworth", butterworth},
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !steps.contains(argv[1])) {
    std::fprintf(stderr, "Usage: opencv_peer STEP IN OUT\n");
    return 2;
  }
  cv::setNumThreads(2);
  auto begin = std::chrono::steady_clock::now();
  const cv::Mat in = cv::imread(argv[2], cv::IMREAD_COLOR);
  if (in.empty()) {
    std::fprintf(stderr, "opencv_peer: cannot read %s\n", argv[2]);
    return 1;
  }
  const double read = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  cv::Mat out;
  steps.at(argv[1])(in, out);
  const double process = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  const bool tiff = std::string(argv[3]).ends_with(".tif");
  constexpr int deflate = 8;
  const std::vector<int> tiff_settings{cv::IMWRITE_TIFF_COMPRESSION, deflate};
  const std::vector<int> settings{cv::IMWRITE_PNG_COMPRESSION, 1, cv::IMWRITE_JPEG_QUALITY, 85};
  if (!cv::imwrite(argv[3], out, tiff ? tiff_settings : settings)) {
    std::fprintf(stderr, "opencv_peer: cannot write %s\n", argv[3]);
    return 1;
  }
  std::printf("{\"read\": %.4f, \"process\": %.4f, \"write\": %.4f}\n", read, process, seconds_since(begin));
  return 0;
}
