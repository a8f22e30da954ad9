// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/level_table.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace tessera {
namespace {

#ifdef __x86_64__

/// A table of 256 bytes lies in four registers; one look finds 64 of 128 entries at once.
[[gnu::target("avx512f,avx512bw,avx512vbmi")]] int look_up_in_registers(const std::uint8_t* from,
                                                                        std::uint8_t* to, int samples,
                                                                        const std::uint16_t* levels) {
  constexpr int lanes = 64;
  std::array<std::uint8_t, 256> table{};
  std::copy(levels, levels + table.size(), table.begin());
  const __m512i first = _mm512_loadu_si512(table.data());
  const __m512i second = _mm512_loadu_si512(table.data() + lanes);
  const __m512i third = _mm512_loadu_si512(table.data() + 2 * lanes);
  const __m512i fourth = _mm512_loadu_si512(table.data() + 3 * lanes);
  int done = 0;
  for (; done + lanes <= samples; done += lanes) {
    const __m512i level = _mm512_loadu_si512(from + done);
    const __m512i low = _mm512_permutex2var_epi8(first, level, second);
    const __m512i high = _mm512_permutex2var_epi8(third, level, fourth);
    _mm512_storeu_si512(to + done, _mm512_mask_blend_epi8(_mm512_movepi8_mask(level), low, high));
  }
  return done;
}

bool has_table_registers() {
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vbmi") != 0;
}

#else

int look_up_in_registers(const std::uint8_t*, std::uint8_t*, int, const std::uint16_t*) { return 0; }
bool has_table_registers() { return false; }

#endif

template <class T>
void look_up(const cv::Mat& in, cv::Mat& out, const std::uint16_t* table) {
  const int samples = in.cols * in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    int done = 0;
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      done = has_table_registers() ? look_up_in_registers(from, to, samples, table) : 0;
    }
    for (int i = done; i < samples; ++i) {
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
