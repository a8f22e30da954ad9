// SPDX-License-Identifier: Apache-2.0
#include "support/reference_run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>

namespace tessera::testing {
namespace {

/// A group of one rank that holds the whole image.
class SoloFrame final : public Frame {
 public:
  explicit SoloFrame(const ImageInfo& image) : image_(image) {}
  const ImageInfo& image() const override { return image_; }
  int rank() const override { return 0; }
  int ranks() const override { return 1; }
  Interval rows(int) const override { return {0, image_.extent.height}; }
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    for (std::int64_t i = 0; i < count; ++i) {
      body(i);
    }
  }
  void all_reduce(std::span<std::uint64_t>, Merge) override {}
  std::vector<Bytes> all_gather(Bytes mine) override { return {std::move(mine)}; }
  std::vector<Bytes> all_to_all(std::vector<Bytes> outgoing) override { return outgoing; }
  Tile with_halo(const Tile& band, const Halo& halo, Border border, double border_value) override {
    return fetch(band, halo.grow(band.rect), border, border_value);
  }
  void report(std::span<const double> values) override {
    findings.insert(findings.end(), values.begin(), values.end());
  }
  std::vector<double> findings;

 private:
  ImageInfo image_;
};

cv::Mat middle(const cv::Mat& grown, const Rect& grown_rect, const Rect& part) {
  return grown(cv::Rect(static_cast<int>(part.x - grown_rect.x), static_cast<int>(part.y - grown_rect.y),
                        static_cast<int>(part.width), static_cast<int>(part.height)));
}

void run_piece(const LocalOp& op, const Tile& whole, const ImageInfo& in_info, const ImageInfo& out_info,
               const Rect& out_rect, Outcome& outcome) {
  Tile& result = outcome.image;
  const Rect needed = op.needs(out_rect, in_info);
  Tile piece = Tile::allocate(out_rect, out_info.format);
  Region region{in_info, needed, out_rect, false, &outcome.findings};
  if (op.kind() == LocalKind::geometry) {
    region.in = needed.intersect(Rect::whole(in_info.extent));
    const Tile in = fetch(whole, region.in, Border::replicate, 0);
    region.transparency = op.reads_alpha() && in_info.format.alpha ? &in.alpha : nullptr;
    op.run(in.color, piece.color, region);
    if (out_info.format.alpha) {
      region.alpha = true;
      region.transparency = nullptr;
      region.findings = nullptr;
      op.run(in.alpha, piece.alpha, region);
    }
  } else {
    const Tile in = fetch(whole, needed, op.border(), op.border_value());
    cv::Mat out(in.color.rows, in.color.cols, color_type(out_info.format));
    region.transparency = op.reads_alpha() && in_info.format.alpha ? &in.alpha : nullptr;
    op.run(in.color, out, region);
    middle(out, needed, out_rect).copyTo(piece.color);
    if (out_info.format.alpha) {
      middle(in.alpha, needed, out_rect).copyTo(piece.alpha);
    }
  }
  copy_overlap(piece, result);
}

double sample(const cv::Mat& plane, std::int64_t y, std::int64_t x, int channel) {
  const int row = static_cast<int>(y);
  const int at = static_cast<int>(x) * plane.channels() + channel;
  return plane.depth() == CV_8U ? plane.ptr<std::uint8_t>(row)[at] : plane.ptr<std::uint16_t>(row)[at];
}

void set_sample(cv::Mat& plane, int y, int x, int channel, double value) {
  const int at = x * plane.channels() + channel;
  if (plane.depth() == CV_8U) {
    plane.ptr<std::uint8_t>(y)[at] = static_cast<std::uint8_t>(value);
  } else {
    plane.ptr<std::uint16_t>(y)[at] = static_cast<std::uint16_t>(value);
  }
}

/// AlphaRule::surroundings by its definition: the mean, weighed by alpha, of the pixels that see a
/// transparent one when each looks `reach` around itself.
Tile with_surroundings(const Tile& whole, const Halo& reach, Border border) {
  if (whole.alpha.empty() || reach.none()) {
    return whole;
  }
  const Border outside = border == Border::constant ? Border::replicate : border;
  Tile result = whole;
  result.color = whole.color.clone();
  for (int y = 0; y < whole.color.rows; ++y) {
    for (int x = 0; x < whole.color.cols; ++x) {
      if (sample(whole.alpha, y, x, 0) != 0) {
        continue;
      }
      double weight = 0;
      double sums[3] = {};
      for (std::int64_t from_y = y - reach.bottom; from_y <= y + reach.top; ++from_y) {
        const std::int64_t row = border_position(from_y, whole.rect.height, outside);
        for (std::int64_t from_x = x - reach.right; from_x <= x + reach.left; ++from_x) {
          const std::int64_t column = border_position(from_x, whole.rect.width, outside);
          const double alpha = sample(whole.alpha, row, column, 0);
          weight += alpha;
          for (int c = 0; c < whole.color.channels(); ++c) {
            sums[c] += alpha * sample(whole.color, row, column, c);
          }
        }
      }
      for (int c = 0; c < whole.color.channels(); ++c) {
        set_sample(result.color, y, x, c, weight == 0 ? 0 : std::floor(sums[c] / weight + 0.5));
      }
    }
  }
  return result;
}

/// Transparent pixels in the mean colour of all others (AlphaRule::mean) or black (AlphaRule::background).
Tile with_one_color(const Tile& whole, bool mean) {
  Tile result = whole;
  result.color = whole.color.clone();
  for (int c = 0; c < whole.color.channels() && !whole.alpha.empty(); ++c) {
    double sum = 0;
    double count = 0;
    for (int y = 0; y < whole.color.rows; ++y) {
      for (int x = 0; x < whole.color.cols; ++x) {
        const bool visible = sample(whole.alpha, y, x, 0) != 0;
        sum += visible ? sample(whole.color, y, x, c) : 0;
        count += visible ? 1 : 0;
      }
    }
    const double level = mean && count > 0 ? std::floor(sum / count + 0.5) : 0;
    for (int y = 0; y < whole.color.rows; ++y) {
      for (int x = 0; x < whole.color.cols; ++x) {
        if (sample(whole.alpha, y, x, 0) == 0) {
          set_sample(result.color, y, x, c, level);
        }
      }
    }
  }
  return result;
}

Halo most(const Halo& a, const Halo& b) {
  return {std::max(a.left, b.left), std::max(a.top, b.top), std::max(a.right, b.right),
          std::max(a.bottom, b.bottom)};
}

Outcome run_local(const LocalOp& op, const Tile& whole, std::int64_t piece_rows) {
  const ImageInfo in_info = info_of(whole);
  const ImageInfo out_info = op.result(in_info);
  Outcome outcome{whole_tile(out_info), {}};
  const std::int64_t height = out_info.extent.height;
  const std::int64_t step = piece_rows > 0 ? piece_rows : height;
  for (std::int64_t y = 0; y < height; y += step) {
    const Rect out_rect = Rect::of_rows({y, std::min(height, y + step)}, out_info.extent.width);
    run_piece(op, whole, in_info, out_info, out_rect, outcome);
  }
  return outcome;
}

Outcome run_statistic(const StatisticOp& op, const Tile& whole, std::int64_t piece_rows) {
  const ImageInfo info = info_of(whole);
  std::vector<std::uint64_t> slots(op.slots(info), 0);
  const std::int64_t step = piece_rows > 0 ? piece_rows : info.extent.height;
  for (std::int64_t y = 0; y < info.extent.height; y += step) {
    const Rect rect = Rect::of_rows({y, std::min(info.extent.height, y + step)}, info.extent.width);
    const Rect grown = op.halo(info).grow(rect);
    const Tile tile = fetch(whole, grown, op.border(), op.border_value());
    op.map(tile.color, slots,
           Region{info, grown, rect, false, nullptr, {}, info.format.alpha ? &tile.alpha : nullptr});
  }
  return run_local(*op.finish(slots, info), whole, piece_rows);
}

Outcome run_whole_frame(const WholeFrameOp& op, const Tile& whole) {
  const ImageInfo info = info_of(whole);
  SoloFrame frame(info);
  Outcome outcome{whole_tile({info.extent, op.result_format(info.format)}), {}};
  op.run(frame, whole, outcome.image);
  if (info.format.alpha) {
    whole.alpha.copyTo(outcome.image.alpha);
  }
  outcome.findings = std::move(frame.findings);
  return outcome;
}

template <class T>
void fill(cv::Mat& plane, Pattern pattern, std::mt19937& random, double full) {
  const int channels = plane.channels();
  std::uniform_int_distribution<int> level(0, static_cast<int>(full));
  for (int y = 0; y < plane.rows; ++y) {
    T* row = plane.ptr<T>(y);
    for (int x = 0; x < plane.cols; ++x) {
      for (int c = 0; c < channels; ++c) {
        double value = 0;
        switch (pattern) {
          case Pattern::noise:
            value = level(random);
            break;
          case Pattern::zones:
            value = full * (0.5 + 0.5 * std::cos((x * x + y * y) * 0.003 * (c + 1)));
            break;
          case Pattern::steps:
            value = ((x / 9 + y / 7 + c) % 3) * full / 2;
            break;
          case Pattern::photo_like:
            value = full * (0.45 + 0.25 * std::sin(x * 0.05 + c) + 0.2 * std::cos(y * 0.037 - c)) +
                    level(random) * 0.05 + (((x / 31) ^ (y / 23)) % 4 == 0 ? full * 0.2 : 0);
            break;
          case Pattern::constant:
            value = full / 3;
            break;
        }
        row[x * channels + c] = static_cast<T>(std::clamp(value, 0.0, full));
      }
    }
  }
}

}  // namespace

Tile whole_tile(const ImageInfo& info) { return Tile::allocate(Rect::whole(info.extent), info.format); }

ImageInfo info_of(const Tile& whole) {
  return {
      {whole.rect.width, whole.rect.height},
      {whole.color.depth() == CV_8U ? Depth::u8 : Depth::u16, whole.color.channels(), !whole.alpha.empty()}};
}

std::int64_t border_position(std::int64_t position, std::int64_t size, Border border) {
  if (position >= 0 && position < size) {
    return position;
  }
  switch (border) {
    case Border::constant:
      return -1;
    case Border::replicate:
      return position < 0 ? 0 : size - 1;
    case Border::wrap:
      return ((position % size) + size) % size;
    case Border::reflect101: {
      if (size == 1) {
        return 0;
      }
      const std::int64_t period = 2 * (size - 1);
      const std::int64_t folded = ((position % period) + period) % period;
      return folded < size ? folded : period - folded;
    }
  }
  return -1;
}

Tile fetch(const Tile& whole, const Rect& rect, Border border, double border_value) {
  const PixelFormat format = info_of(whole).format;
  Tile result = Tile::allocate(rect, format);
  const auto fetch_plane = [&](const cv::Mat& from, cv::Mat& to, double outside) {
    to.setTo(cv::Scalar::all(outside));
    const std::size_t pixel = from.elemSize();
    for (int y = 0; y < to.rows; ++y) {
      const std::int64_t source_y = border_position(rect.y + y, whole.rect.height, border);
      for (int x = 0; x < to.cols; ++x) {
        const std::int64_t source_x = border_position(rect.x + x, whole.rect.width, border);
        if (source_x >= 0 && source_y >= 0) {
          std::copy_n(from.ptr(static_cast<int>(source_y)) + static_cast<std::size_t>(source_x) * pixel,
                      pixel, to.ptr(y) + static_cast<std::size_t>(x) * pixel);
        }
      }
    }
  };
  fetch_plane(whole.color, result.color, std::round(border_value * format.level_scale()));
  if (format.alpha) {
    fetch_plane(whole.alpha, result.alpha, format.max_value());
  }
  return result;
}

Outcome run_reference(const Operator& op, const Tile& whole, std::int64_t piece_rows) {
  if (const auto* parts = std::get_if<Operator::Parts>(&op.body)) {
    Outcome outcome{whole, {}};
    for (const Operator& part : *parts) {
      Outcome next = run_reference(part, outcome.image, piece_rows);
      outcome.image = next.image;
      outcome.findings.insert(outcome.findings.end(), next.findings.begin(), next.findings.end());
    }
    return outcome;
  }
  Tile input = whole;
  if (op.info->gray_only && whole.color.channels() == 3) {
    input = run_reference(build_operator("grayscale", Json::object()), whole, piece_rows).image;
  }
  const ImageInfo info = info_of(input);
  if (const auto* local = std::get_if<std::shared_ptr<const LocalOp>>(&op.body)) {
    const Halo reach = (*local)->reads_alpha() ? Halo{} : (*local)->halo(info);
    return run_local(**local, with_surroundings(input, reach, (*local)->border()), piece_rows);
  }
  if (const auto* statistic = std::get_if<std::shared_ptr<const StatisticOp>>(&op.body)) {
    const Halo reach = most((*statistic)->halo(info), (*statistic)->applied_halo(info));
    return run_statistic(**statistic, with_surroundings(input, reach, (*statistic)->border()), piece_rows);
  }
  const auto& whole_frame = *std::get<std::shared_ptr<const WholeFrameOp>>(op.body);
  if (whole_frame.alpha_rule() == AlphaRule::surroundings) {
    return run_whole_frame(whole_frame,
                           with_surroundings(input, whole_frame.alpha_halo(), Border::replicate));
  }
  return run_whole_frame(whole_frame, with_one_color(input, whole_frame.alpha_rule() == AlphaRule::mean));
}

Outcome run_reference(const std::vector<Operator>& pipeline, const Tile& whole) {
  Outcome outcome{whole, {}};
  for (const Operator& op : pipeline) {
    Outcome next = run_reference(op, outcome.image);
    outcome.image = next.image;
    outcome.findings.insert(outcome.findings.end(), next.findings.begin(), next.findings.end());
  }
  return outcome;
}

double difference(const Tile& a, const Tile& b) {
  if (a.rect.width != b.rect.width || a.rect.height != b.rect.height || a.color.type() != b.color.type() ||
      a.alpha.empty() != b.alpha.empty()) {
    return std::numeric_limits<double>::infinity();
  }
  double result = cv::norm(a.color, b.color, cv::NORM_INF);
  if (!a.alpha.empty()) {
    result = std::max(result, cv::norm(a.alpha, b.alpha, cv::NORM_INF));
  }
  return result;
}

std::string first_difference(const Tile& a, const Tile& b) {
  const double largest = difference(a, b);
  if (std::isinf(largest)) {
    return fmt::format("{} {}x{} against {} {}x{}", info_of(a).format.describe(), a.rect.width, a.rect.height,
                       info_of(b).format.describe(), b.rect.width, b.rect.height);
  }
  for (const auto& [name, left, right] :
       {std::tuple{"color", a.color, b.color}, std::tuple{"alpha", a.alpha, b.alpha}}) {
    for (int y = 0; y < left.rows; ++y) {
      for (int x = 0; x < left.cols; ++x) {
        if (!std::equal(left.ptr(y, x), left.ptr(y, x) + left.elemSize(), right.ptr(y, x))) {
          return fmt::format("{} differs first at x={} y={} of {}x{}, by {} at most", name, x, y, left.cols,
                             left.rows, largest);
        }
      }
    }
  }
  return "no difference";
}

void vary_transparency(cv::Mat& alpha) {
  const double full = alpha.depth() == CV_8U ? 255 : 65535;
  for (int y = 0; y < alpha.rows; ++y) {
    for (int x = 0; x < alpha.cols; ++x) {
      const int kind = (x / 6 + y / 5) % 4;
      if (kind < 2) {
        set_sample(alpha, y, x, 0, kind == 0 ? 0 : full);
      }
    }
  }
}

Tile make_image(const ImageInfo& info, Pattern pattern, unsigned seed) {
  std::mt19937 random(seed);
  Tile image = whole_tile(info);
  for (cv::Mat* plane : {&image.color, &image.alpha}) {
    if (plane->empty()) {
      continue;
    }
    if (info.format.depth == Depth::u8) {
      fill<std::uint8_t>(*plane, pattern, random, 255);
    } else {
      fill<std::uint16_t>(*plane, pattern, random, 65535);
    }
  }
  if (info.format.alpha) {
    vary_transparency(image.alpha);
  }
  return image;
}

Tile sample_image(const std::string&) {
  return make_image({{23, 17}, {Depth::u16, 3, true}}, Pattern::noise, 3);
}

Json random_parameters(const CatalogEntry& entry, Extent extent, std::mt19937& random) {
  const std::vector<Json> samples = entry.samples(extent);
  if (!samples.empty() && (!entry.random_parameters || random() % 2 == 0)) {
    return samples[random() % samples.size()];
  }
  Json result = Json::object();
  for (const ParamInfo& param : entry.params) {
    switch (param.type) {
      case ParamType::number:
        result[param.name] =
            std::uniform_real_distribution(param.limits.slider_min, param.limits.slider_max)(random);
        break;
      case ParamType::integer: {
        int value = std::uniform_int_distribution(static_cast<int>(param.limits.slider_min),
                                                  static_cast<int>(param.limits.slider_max))(random);
        if (param.limits.odd && value % 2 == 0) {
          value += value < static_cast<int>(param.limits.slider_max) ? 1 : -1;
        }
        result[param.name] = value;
        break;
      }
      case ParamType::boolean:
        result[param.name] = random() % 2 == 0;
        break;
      case ParamType::choice:
        result[param.name] = param.choices[random() % param.choices.size()];
        break;
      case ParamType::color:
        result[param.name] = fmt::format("#{:06x}", random() & 0xffffffU);
        break;
      case ParamType::text:
        result[param.name] = param.default_value;
        break;
    }
  }
  return result;
}

}  // namespace tessera::testing
