// SPDX-License-Identifier: Apache-2.0
// Text as a mark, drawn by FreeType.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <vector>

#include "base/error.hpp"
#include "ops/composition/mark.hpp"

namespace tessera {
namespace {

constexpr const char* font_file = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
constexpr std::size_t max_letters = 200;
/// Size at which text is measured before its own is known.
constexpr double measuring_height_px = 64;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::bad_parameter, fmt::format("watermark: text {}.", why));
}

/// Code points of UTF-8 (RFC 3629).
std::vector<FT_ULong> code_points(const std::string& text) {
  std::vector<FT_ULong> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80         ? 1
                               : lead >> 5 == 0x6  ? 2
                               : lead >> 4 == 0xe  ? 3
                               : lead >> 3 == 0x1e ? 4
                                                   : 0;
    if (length == 0 || i + length > text.size()) {
      refuse("is not UTF-8");
    }
    FT_ULong point = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) {
        refuse("is not UTF-8");
      }
      point = point << 6 | (next & 0x3fU);
    }
    if (point < 0x20 || point == 0x7f) {
      refuse("holds a control character; it is one line");
    }
    points.push_back(point);
    i += length;
  }
  if (points.size() > max_letters) {
    refuse(fmt::format("has {} letters; the limit is {}", points.size(), max_letters));
  }
  return points;
}

struct Library {
  FT_Library handle = nullptr;
  FT_Face face = nullptr;
  explicit Library(double height_px) {
    if (FT_Init_FreeType(&handle) != 0 || FT_New_Face(handle, font_file, 0, &face) != 0) {
      FT_Done_FreeType(handle);
      throw Error(
          ErrorCode::not_found,
          fmt::format("watermark: the font '{}' cannot be read: install the package fonts-dejavu-core.",
                      font_file));
    }
    // 72 dots an inch make a point a pixel.
    FT_Set_Char_Size(face, 0, static_cast<FT_F26Dot6>(std::lround(height_px * 64)), 72, 72);
  }
  ~Library() {
    FT_Done_Face(face);
    FT_Done_FreeType(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

struct Glyph {
  int left = 0;  ///< of the ink, from the line's origin
  int top = 0;   ///< of the ink, above the baseline
  cv::Mat coverage;
};

struct Script {
  FT_ULong first;
  FT_ULong last;
  const char* name;
};
/// Written from right to left, or with letters that join or change places: drawn letter by letter, as here,
/// they would be wrong.
constexpr Script shaped_scripts[] = {{0x0590, 0x05FF, "Hebrew"},
                                     {0x0600, 0x06FF, "Arabic"},
                                     {0x0700, 0x074F, "Syriac"},
                                     {0x0750, 0x077F, "Arabic"},
                                     {0x0780, 0x07BF, "Thaana"},
                                     {0x07C0, 0x07FF, "N'Ko"},
                                     {0x0800, 0x083F, "Samaritan"},
                                     {0x0840, 0x085F, "Mandaic"},
                                     {0x0860, 0x086F, "Syriac"},
                                     {0x0870, 0x08FF, "Arabic"},
                                     {0x0900, 0x097F, "Devanagari"},
                                     {0x0980, 0x09FF, "Bengali"},
                                     {0x0A00, 0x0A7F, "Gurmukhi"},
                                     {0x0A80, 0x0AFF, "Gujarati"},
                                     {0x0B00, 0x0B7F, "Odia"},
                                     {0x0B80, 0x0BFF, "Tamil"},
                                     {0x0C00, 0x0C7F, "Telugu"},
                                     {0x0C80, 0x0CFF, "Kannada"},
                                     {0x0D00, 0x0D7F, "Malayalam"},
                                     {0x0D80, 0x0DFF, "Sinhala"},
                                     {0x0F00, 0x0FFF, "Tibetan"},
                                     {0x1000, 0x109F, "Myanmar"},
                                     {0x1780, 0x17FF, "Khmer"},
                                     {0x1800, 0x18AF, "Mongolian"},
                                     {0x200E, 0x200F, "direction marks"},
                                     {0x202A, 0x202E, "direction marks"},
                                     {0x2066, 0x2069, "direction marks"},
                                     {0xFB1D, 0xFB4F, "Hebrew"},
                                     {0xFB50, 0xFDFF, "Arabic"},
                                     {0xFE70, 0xFEFE, "Arabic"},
                                     {0x1E900, 0x1E95F, "Adlam"}};

void check_letters(const Library& library, const std::vector<FT_ULong>& points) {
  constexpr std::size_t max_named = 10;
  std::vector<std::string> missing;
  for (const FT_ULong point : points) {
    for (const Script& script : shaped_scripts) {
      if (point >= script.first && point <= script.last) {
        refuse(
            fmt::format("holds U+{:04X} ({}): scripts that run from right to left, or whose letters join or "
                        "change places, cannot be drawn; give the text as an image",
                        point, script.name));
      }
    }
    const std::string name = fmt::format("U+{:04X}", point);
    if (FT_Get_Char_Index(library.face, point) == 0 && std::ranges::find(missing, name) == missing.end()) {
      missing.push_back(name);
    }
  }
  if (!missing.empty()) {
    const std::size_t more = missing.size() - std::min(missing.size(), max_named);
    missing.resize(missing.size() - more);
    refuse(
        fmt::format("holds letters that the font DejaVu Sans does not have ({}{}): give the text as an image",
                    fmt::join(missing, ", "), more > 0 ? fmt::format(" and {} more", more) : ""));
  }
}

std::vector<Glyph> draw_glyphs(const std::string& text, double height_px) {
  const Library library(height_px);
  const std::vector<FT_ULong> points = code_points(text);
  check_letters(library, points);
  std::vector<Glyph> glyphs;
  FT_Pos pen = 0;  // in 64ths of a pixel
  FT_UInt before = 0;
  for (const FT_ULong point : points) {
    const FT_UInt index = FT_Get_Char_Index(library.face, point);
    FT_Vector kerning{};
    if (before != 0 && index != 0 &&
        FT_Get_Kerning(library.face, before, index, FT_KERNING_UNFITTED, &kerning) == 0) {
      pen += kerning.x;
    }
    if (FT_Load_Glyph(library.face, index, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0) {
      refuse("cannot be drawn at that size");
    }
    FT_GlyphSlot slot = library.face->glyph;
    const FT_Pos advance = slot->linearHoriAdvance >> 10;  // 16.16 to 26.6
    FT_Outline_Translate(&slot->outline, pen & 63, 0);
    if (FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL) != 0) {
      refuse("cannot be drawn at that size");
    }
    const FT_Bitmap& bitmap = slot->bitmap;
    if (bitmap.width > 0 && bitmap.rows > 0) {
      const cv::Mat ink(static_cast<int>(bitmap.rows), static_cast<int>(bitmap.width), CV_8UC1, bitmap.buffer,
                        static_cast<std::size_t>(bitmap.pitch));
      glyphs.push_back({static_cast<int>(pen >> 6) + slot->bitmap_left, slot->bitmap_top, ink.clone()});
    }
    pen += advance;
    before = index;
  }
  if (glyphs.empty()) {
    refuse("leaves no ink: give it letters");
  }
  return glyphs;
}

cv::Rect ink_box(const std::vector<Glyph>& glyphs) {
  cv::Rect box;
  for (const Glyph& glyph : glyphs) {
    box |= cv::Rect({glyph.left, -glyph.top}, glyph.coverage.size());
  }
  return box;
}

}  // namespace

double text_height_for_width(const std::string& text, double width_px) {
  return measuring_height_px * width_px / ink_box(draw_glyphs(text, measuring_height_px)).width;
}

MarkPicture mark_from_text(const std::string& text, double height_px, Color color) {
  const std::vector<Glyph> glyphs = draw_glyphs(text, height_px);
  const cv::Rect box = ink_box(glyphs);
  cv::Mat coverage(box.size(), CV_8UC1, cv::Scalar(0));
  for (const Glyph& glyph : glyphs) {
    cv::Mat place = coverage({cv::Point(glyph.left, -glyph.top) - box.tl(), glyph.coverage.size()});
    cv::max(place, glyph.coverage, place);
  }
  Tile image;
  image.rect = Rect::whole({box.width, box.height});
  image.color = cv::Mat(box.size(), CV_8UC3, cv::Scalar(color.red, color.green, color.blue));
  image.alpha = coverage;
  return mark_from_image(image);
}

}  // namespace tessera
