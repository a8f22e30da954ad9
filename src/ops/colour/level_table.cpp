#include "ops/colour/level_table.hpp"

namespace tessera {
namespace {

template <class T>
void look_up(const cv::Mat& in, cv::Mat& out, const std::uint16_t* table) {
  const int samples = in.cols * in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int i = 0; i < samples; ++i) {
      to[i] = static_cast<T>(table[from[i]]);
    }
  }
}

template <class T>
void look_up_rgb(const cv::Mat& in, cv::Mat& out, const std::uint16_t* red, std::size_t count) {
  const std::uint16_t* green = red + count;
  const std::uint16_t* blue = green + count;
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x, from += 3, to += 3) {
      to[0] = static_cast<T>(red[from[0]]);
      to[1] = static_cast<T>(green[from[1]]);
      to[2] = static_cast<T>(blue[from[2]]);
    }
  }
}

}  // namespace

void LevelTable::apply(const cv::Mat& in, cv::Mat& out) const {
  const std::uint16_t* table = levels_.data();
  const auto count = static_cast<std::size_t>(level_count(depth_));
  CV_Assert(depth_of(in) == depth_ && (tables_ == 1 || (tables_ == 3 && in.channels() == 3)));
  if (tables_ == 1) {
    depth_ == Depth::u8 ? look_up<std::uint8_t>(in, out, table) : look_up<std::uint16_t>(in, out, table);
  } else {
    depth_ == Depth::u8 ? look_up_rgb<std::uint8_t>(in, out, table, count)
                        : look_up_rgb<std::uint16_t>(in, out, table, count);
  }
}

}  // namespace tessera
