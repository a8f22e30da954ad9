// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/markers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "codec/metadata/iptc.hpp"

namespace tessera {
namespace {

using namespace std::string_view_literals;

constexpr int marker_soi = 0xD8;
constexpr int marker_eoi = 0xD9;
constexpr int marker_sos = 0xDA;
constexpr int marker_app0 = 0xE0;
constexpr int marker_app1 = 0xE1;
constexpr int marker_app2 = 0xE2;
constexpr int marker_app13 = 0xED;
constexpr int marker_app15 = 0xEF;
constexpr int marker_comment = 0xFE;

bool starts_with(std::span<const std::byte> content, std::string_view prefix) {
  return content.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), content.begin(), [](char a, std::byte b) {
           return static_cast<unsigned char>(a) == static_cast<unsigned char>(b);
         });
}

int word(std::span<const std::byte> content, std::size_t at) {
  return static_cast<int>(content[at]) << 8 | static_cast<int>(content[at + 1]);
}

class Scanner {
 public:
  Scanner(const std::shared_ptr<const Input>& input, const ReadLimits& limits)
      : stream_(input), limits_(&limits), budget_(*input, limits) {}

  JpegLayout run() {
    for (int marker = next_marker(); marker != marker_sos; marker = next_marker()) {
      if (marker == marker_eoi) {
        throw damaged(input(), ImageFormat::jpeg, "it ends before its first scan");
      }
      const bool has_content = marker != marker_soi && marker != 0x01 && (marker < 0xD0 || marker > 0xD7);
      if (has_content) {
        take(marker);
      }
    }
    if (layout_.components == 0) {
      throw damaged(input(), ImageFormat::jpeg, "it has no frame header");
    }
    assemble_profile();
    layout_.metadata.iptc = iptc_from_photoshop(photoshop_);
    return std::move(layout_);
  }

 private:
  [[nodiscard]] const Input& input() const { return stream_.input(); }

  int get() {
    const int byte = stream_.get();
    if (byte < 0) {
      throw damaged(input(), ImageFormat::jpeg,
                    fmt::format("it ends at byte {}, within its header", input().size()));
    }
    return byte;
  }

  // Skips what stands between markers, as libjpeg does.
  int next_marker() {
    int byte = get();
    for (;;) {
      while (byte != 0xFF) {
        byte = get();
      }
      while (byte == 0xFF) {
        byte = get();
      }
      if (byte != 0) {
        return byte;
      }
    }
  }

  void take(int marker) {
    const int high = get();
    const int length = (high << 8 | get()) - 2;
    if (length < 0) {
      throw damaged(input(), ImageFormat::jpeg,
                    fmt::format("a marker at byte {} has no length", stream_.position()));
    }
    const std::int64_t end = stream_.position() + length;
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      frame_header(marker, load(length));
    } else if ((marker >= marker_app0 && marker <= marker_app15) || marker == marker_comment) {
      budget_.add_item(length);
      if (marker == marker_comment) {
        ++layout_.comments;
      } else if (marker <= marker_app2 || marker == marker_app13) {
        application(marker, load(length));
      }
    }
    stream_.seek(end);
  }

  Bytes load(int length) {
    Bytes content(static_cast<std::size_t>(length));
    if (stream_.read(content) != content.size()) {
      throw damaged(input(), ImageFormat::jpeg,
                    fmt::format("it ends at byte {}, within its header", input().size()));
    }
    return content;
  }

  void frame_header(int marker, const Bytes& content) {
    const bool supported = marker <= 0xC2 || marker == 0xC9 || marker == 0xCA;
    if (!supported) {
      throw unsupported(input(), ImageFormat::jpeg, "it is lossless or hierarchical, which is not supported");
    }
    if (content.size() < 6 || content.size() < 6 + 3 * static_cast<std::size_t>(content[5]) ||
        layout_.components > 0) {
      throw damaged(input(), ImageFormat::jpeg, "its frame header has the wrong size or comes twice");
    }
    layout_.height = word(content, 1);
    layout_.width = word(content, 3);
    layout_.components = static_cast<int>(content[5]);
    check_extent(input(), *limits_, layout_.width, layout_.height);
    if (content[0] != std::byte{8}) {
      throw unsupported(
          input(), ImageFormat::jpeg,
          fmt::format("it has {} bits a sample; only 8 are supported", static_cast<int>(content[0])));
    }
    if (layout_.components != 1 && layout_.components != 3 && layout_.components != 4) {
      throw unsupported(
          input(), ImageFormat::jpeg,
          fmt::format("it has {} components; only 1, 3 and 4 are supported", layout_.components));
    }
    count_coefficients(content);
  }

  void count_coefficients(const Bytes& content) {
    int widest = 1;
    int highest = 1;
    const auto sampling = [&](int component) {
      return static_cast<int>(content[7 + 3 * static_cast<std::size_t>(component)]);
    };
    for (int i = 0; i < layout_.components; ++i) {
      widest = std::max(widest, sampling(i) >> 4);
      highest = std::max(highest, sampling(i) & 15);
    }
    constexpr std::int64_t block_side = 8;
    constexpr std::int64_t block_bytes = 128;
    for (int i = 0; i < layout_.components; ++i) {
      const std::int64_t columns = layout_.width * (sampling(i) >> 4) / (widest * block_side) + 1;
      const std::int64_t rows = layout_.height * (sampling(i) & 15) / (highest * block_side) + 1;
      layout_.coefficient_bytes += columns * rows * block_bytes;
    }
  }

  void application(int marker, const Bytes& content) {
    const std::span<const std::byte> all(content);
    constexpr auto exif = "Exif\0"sv;  // and one more byte, of any value
    constexpr auto xmp = "http://ns.adobe.com/xap/1.0/\0"sv;
    constexpr auto profile = "ICC_PROFILE\0"sv;
    constexpr auto extended_xmp = "http://ns.adobe.com/xmp/extension/\0"sv;
    constexpr auto photoshop = "Photoshop 3.0\0"sv;
    constexpr auto jfif = "JFIF\0"sv;
    if (marker == marker_app1 && starts_with(all, exif) && all.size() > exif.size() &&
        layout_.metadata.exif.empty()) {
      layout_.metadata.exif.assign(all.begin() + exif.size() + 1, all.end());
    } else if (marker == marker_app1 && starts_with(all, extended_xmp)) {
      layout_.extended_xmp = true;
    } else if (marker == marker_app13 && starts_with(all, photoshop)) {
      // Resources may go on in the next segment.
      photoshop_.insert(photoshop_.end(), all.begin() + photoshop.size(), all.end());
    } else if (marker == marker_app1 && starts_with(all, xmp)) {
      layout_.metadata.xmp.assign(all.begin() + xmp.size(), all.end());
    } else if (marker == marker_app2 && starts_with(all, profile) && all.size() > profile.size() + 2) {
      const auto rest = all.subspan(profile.size());
      profile_parts_[static_cast<int>(rest[0])] = Bytes(rest.begin() + 2, rest.end());
    } else if (marker == marker_app0 && starts_with(all, jfif) && all.size() >= 12) {
      const int unit = static_cast<int>(all[7]);
      using Unit = Resolution::Unit;
      const Resolution stored{static_cast<double>(word(all, 8)), static_cast<double>(word(all, 10)),
                              unit == 1 ? Unit::inch : (unit == 2 ? Unit::centimetre : Unit::ratio)};
      // Square pixels are what everyone expects, so that EXIF may say more.
      if (stored.known() && (unit == 1 || unit == 2 || stored.x != stored.y)) {
        layout_.metadata.resolution = stored;
      }
    }
  }

  // A profile longer than a marker comes in numbered parts.
  void assemble_profile() {
    int expected = 1;
    Bytes whole;
    for (const auto& [number, part] : profile_parts_) {
      if (number != expected++) {
        return;
      }
      whole.insert(whole.end(), part.begin(), part.end());
    }
    layout_.metadata.icc = std::move(whole);
  }

  InputStream stream_;
  const ReadLimits* limits_;
  MetadataBudget budget_;
  JpegLayout layout_;
  std::map<int, Bytes> profile_parts_;
  Bytes photoshop_;
};

}  // namespace

JpegLayout scan_jpeg(const std::shared_ptr<const Input>& input, const ReadLimits& limits) {
  return Scanner(input, limits).run();
}

}  // namespace tessera
