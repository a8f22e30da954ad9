// What a good engineer would write with OpenCV alone: read, process whole images with two threads, write.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/photo.hpp>
#include <string>

namespace {

using Step = void (*)(const cv::Mat&, cv::Mat&);

const std::map<std::string, Step> steps{
    {"copy", [](const cv::Mat& in, cv::Mat& out) { out = in; }},
    {"invert", [](const cv::Mat& in, cv::Mat& out) { cv::bitwise_not(in, out); }},
    {"gaussian-blur",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::GaussianBlur(in, out, {31, 31}, 5);
     }},
    {"median", [](const cv::Mat& in, cv::Mat& out) { cv::medianBlur(in, out, 5); }},
    {"sobel",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::Mat gx;
       cv::Mat gy;
       cv::Sobel(in, gx, CV_32F, 1, 0);
       cv::Sobel(in, gy, CV_32F, 0, 1);
       cv::Mat length;
       cv::sqrt(gx.mul(gx) + gy.mul(gy), length);
       length.convertTo(out, CV_8U);
     }},
    {"canny",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::Mat gray;
       cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
       cv::Canny(gray, out, 60, 140);
     }},
    {"otsu",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::Mat gray;
       cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
       cv::threshold(gray, out, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
     }},
    {"chain",
     [](const cv::Mat& in, cv::Mat& out) {
       cv::Mat gray;
       cv::Mat blurred;
       cv::Mat gx;
       cv::Mat gy;
       cv::cvtColor(in, gray, cv::COLOR_BGR2GRAY);
       cv::GaussianBlur(gray, blurred, {9, 9}, 1.5);
       cv::Sobel(blurred, gx, CV_32F, 1, 0);
       cv::Sobel(blurred, gy, CV_32F, 0, 1);
       cv::Mat length;
       cv::sqrt(gx.mul(gx) + gy.mul(gy), length);
       cv::Mat edges;
       length.convertTo(edges, CV_8U);
       cv::threshold(edges, out, 0, 255, cv::THRESH_BINARY | cv::THRESH_OTSU);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !steps.contains(argv[1])) {
    std::fprintf(stderr, "Usage: opencv_peer STEP IN OUT\n");
    return 2;
  }
  cv::setNumThreads(2);
  const cv::Mat in = cv::imread(argv[2], cv::IMREAD_COLOR);
  if (in.empty()) {
    std::fprintf(stderr, "opencv_peer: cannot read %s\n", argv[2]);
    return 1;
  }
  cv::Mat out;
  steps.at(argv[1])(in, out);
  return cv::imwrite(argv[3], out, {cv::IMWRITE_PNG_COMPRESSION, 1, cv::IMWRITE_JPEG_QUALITY, 85}) ? 0 : 1;
}
