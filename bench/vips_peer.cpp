// SPDX-License-Identifier: Apache-2.0
// What a good engineer would write with libvips: one lazy pipeline, fused and streamed by libvips itself, two
// threads.
#include <vips/vips.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>

namespace {

/// Each step returns a new reference, or null after an error.
using Step = VipsImage* (*)(VipsImage*);

/// What an operation made, giving up the reference to the image it was made from. `made` is a reference to
/// the pointer because arguments are evaluated in no certain order.
VipsImage* passed(int failed, VipsImage* used, VipsImage*& made) {
  g_object_unref(used);
  return failed != 0 ? nullptr : made;
}

VipsImage* copy(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_copy(in, &out, nullptr) != 0 ? nullptr : out;
}

VipsImage* gray_of(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_colourspace(in, &out, VIPS_INTERPRETATION_B_W, nullptr) != 0 ? nullptr : out;
}

VipsImage* invert(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_invert(in, &out, nullptr) != 0 ? nullptr : out;
}

VipsImage* blurred(VipsImage* in, double sigma, double least) {
  VipsImage* out = nullptr;
  return vips_gaussblur(in, &out, sigma, "min_ampl", least, nullptr) != 0 ? nullptr : out;
}

VipsImage* sobel(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_sobel(in, &out, nullptr) != 0 ? nullptr : out;
}

VipsImage* median(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_median(in, &out, 5, nullptr) != 0 ? nullptr : out;
}

VipsImage* canny(VipsImage* in) {
  VipsImage* gray = gray_of(in);
  VipsImage* edges = nullptr;
  if (gray == nullptr || vips_canny(gray, &edges, "sigma", 1.0, nullptr) != 0) {
    return nullptr;
  }
  g_object_unref(gray);
  VipsImage* out = nullptr;
  return passed(vips_moreeq_const1(edges, &out, 60, nullptr), edges, out);
}

VipsImage* resized(VipsImage* in) {
  VipsImage* out = nullptr;
  return vips_resize(in, &out, 0.5, "kernel", VIPS_KERNEL_LANCZOS3, nullptr) != 0 ? nullptr : out;
}

double otsu_level(const std::array<double, 256>& histogram) {
  double total = 0;
  double weighted = 0;
  for (int i = 0; i < 256; ++i) {
    total += histogram.at(static_cast<std::size_t>(i));
    weighted += i * histogram.at(static_cast<std::size_t>(i));
  }
  double count = 0;
  double sum = 0;
  double best = -1;
  double level = 0;
  for (int i = 0; i < 256; ++i) {
    count += histogram.at(static_cast<std::size_t>(i));
    sum += i * histogram.at(static_cast<std::size_t>(i));
    if (count == 0 || count == total) {
      continue;
    }
    const double apart = sum / count - (weighted - sum) / (total - count);
    const double variance = count * (total - count) * apart * apart;
    if (variance > best) {
      best = variance;
      level = i;
    }
  }
  return level;
}

/// Two passes over a picture kept in memory: its histogram, then the cut.
VipsImage* otsu(VipsImage* gray) {
  VipsImage* held = vips_image_copy_memory(gray);
  VipsImage* histogram = nullptr;
  if (held == nullptr || vips_hist_find(held, &histogram, nullptr) != 0) {
    return nullptr;
  }
  VipsImage* counts = vips_image_copy_memory(histogram);
  g_object_unref(histogram);
  if (counts == nullptr) {
    return nullptr;
  }
  std::array<double, 256> values{};
  const auto* data = static_cast<const unsigned int*>(vips_image_get_data(counts));
  for (int i = 0; i < vips_image_get_width(counts); ++i) {
    values.at(static_cast<std::size_t>(i)) = data[i];
  }
  g_object_unref(counts);
  VipsImage* out = nullptr;
  return passed(vips_more_const1(held, &out, otsu_level(values), nullptr), held, out);
}

VipsImage* gray_otsu(VipsImage* in) {
  VipsImage* gray = gray_of(in);
  VipsImage* out = gray != nullptr ? otsu(gray) : nullptr;
  if (gray != nullptr) {
    g_object_unref(gray);
  }
  return out;
}

VipsImage* edges_chain(VipsImage* in) {
  VipsImage* gray = gray_of(in);
  VipsImage* soft = gray != nullptr ? blurred(gray, 1.5, 0.0039) : nullptr;
  VipsImage* softer = soft != nullptr ? blurred(soft, 2, 0.0111) : nullptr;
  VipsImage* difference = nullptr;
  VipsImage* sum = nullptr;
  VipsImage* sharp = nullptr;
  if (softer == nullptr || vips_subtract(soft, softer, &difference, nullptr) != 0 ||
      vips_add(soft, difference, &sum, nullptr) != 0 || vips_cast_uchar(sum, &sharp, nullptr) != 0) {
    return nullptr;
  }
  VipsImage* edges = sobel(sharp);
  VipsImage* out = edges != nullptr ? otsu(edges) : nullptr;
  for (VipsImage* used : {gray, soft, softer, difference, sum, sharp, edges}) {
    if (used != nullptr) {
      g_object_unref(used);
    }
  }
  return out;
}

VipsImage* levels_chain(VipsImage* in) {
  VipsImage* negative = invert(in);
  VipsImage* brightened = nullptr;
  if (negative == nullptr || vips_gamma(negative, &brightened, "exponent", 2.2, nullptr) != 0) {
    return nullptr;
  }
  g_object_unref(negative);
  VipsImage* out = nullptr;
  return passed(vips_linear1(brightened, &out, 1.2, 127.5 - 1.2 * 127.5 + 10, "uchar", TRUE, nullptr),
                brightened, out);
}

const std::map<std::string, Step> steps{
    {"copy", copy},
    {"invert", invert},
    {"gaussian-blur", [](VipsImage* in) { return blurred(in, 5, 0.0111); }},
    {"median", median},
    {"sobel", sobel},
    {"canny", canny},
    {"otsu", gray_otsu},
    {"resize", resized},
    {"edges-chain", edges_chain},
    {"levels-chain", levels_chain},
};

int save(VipsImage* image, const std::string& name) {
  if (name.ends_with(".png")) {
    // Sub and Up, as the others write.
    return vips_pngsave(image, name.c_str(), "compression", 1, "filter",
                        VIPS_FOREIGN_PNG_FILTER_SUB | VIPS_FOREIGN_PNG_FILTER_UP, nullptr);
  }
  if (name.ends_with(".jpg")) {
    return vips_jpegsave(image, name.c_str(), "Q", 85, nullptr);
  }
  return vips_tiffsave(image, name.c_str(), "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "level", 1,
                       "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "tile", TRUE, "tile_width", 256,
                       "tile_height", 256, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 || !steps.contains(argv[1])) {
    std::fprintf(stderr, "Usage: vips_peer STEP IN OUT\n");
    return 2;
  }
  if (VIPS_INIT(argv[0]) != 0) {
    vips_error_exit(nullptr);
  }
  vips_concurrency_set(2);
  VipsImage* in = vips_image_new_from_file(argv[2], "access", VIPS_ACCESS_SEQUENTIAL, nullptr);
  VipsImage* out = in != nullptr ? steps.at(argv[1])(in) : nullptr;
  if (out == nullptr || save(out, argv[3]) != 0) {
    vips_error_exit(nullptr);
  }
  g_object_unref(out);
  g_object_unref(in);
  vips_shutdown();
  return 0;
}
