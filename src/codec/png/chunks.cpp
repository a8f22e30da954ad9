// SPDX-License-Identifier: Apache-2.0
#include "codec/png/chunks.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "codec/metadata/iptc.hpp"
#include "codec/metadata/raw_profile.hpp"

namespace tessera {
namespace {

constexpr std::int64_t signature_bytes = 8;
constexpr std::int64_t chunk_overhead_bytes = 12;  // length, type and checksum

std::uint32_t big_endian(const std::byte* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | static_cast<std::uint32_t>(at[3]);
}

class Inflater {
 public:
  Inflater() { started_ = inflateInit(&stream_) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (started_) {
      inflateEnd(&stream_);
    }
  }

  // Up to `limit` bytes; more is the caller's `budget.exceeded()`. Broken streams give nothing: metadata that
  // cannot be read must not cost the pixels.
  Bytes run(std::span<const std::byte> packed, const MetadataBudget& budget) {
    Bytes out;
    if (!started_) {
      return out;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    int state = Z_OK;
    while (state == Z_OK) {
      const std::size_t done = out.size();
      if (static_cast<std::int64_t>(done) > budget.left()) {
        budget.exceeded();
      }
      out.resize(done + step_bytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + done);
      stream_.avail_out = step_bytes;
      state = inflate(&stream_, Z_NO_FLUSH);
      out.resize(done + step_bytes - stream_.avail_out);
    }
    return state == Z_STREAM_END ? out : Bytes();
  }

 private:
  static constexpr uInt step_bytes = 64 * 1024;
  z_stream stream_{};
  bool started_ = false;
};

class Scanner {
 public:
  Scanner(const std::shared_ptr<const Input>& input, const ReadLimits& limits, bool salvage)
      : stream_(input, signature_bytes), limits_(&limits), salvage_(salvage), budget_(*input, limits) {}

  PngLayout run() {
    layout_.needed.push_back({0, signature_bytes});
    while (!layout_.complete && next_chunk()) {
    }
    if (layout_.width == 0 && layout_.height == 0 && !seen_header_) {
      throw damaged(input(), ImageFormat::png, "it has no header");
    }
    if (!layout_.complete && !salvage_) {
      throw damaged(input(), ImageFormat::png,
                    fmt::format("it ends at byte {}, before its end chunk", input().size()));
    }
    if (layout_.data_bytes == 0 && !salvage_) {
      throw damaged(input(), ImageFormat::png, "it has no pixel data");
    }
    if (!layout_.complete) {
      make_segment({0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82});
    }
    return std::move(layout_);
  }

 private:
  [[nodiscard]] const Input& input() const { return stream_.input(); }

  bool next_chunk() {
    const std::int64_t begin = stream_.position();
    std::array<std::byte, 8> head{};
    if (stream_.read(head) != head.size()) {
      return false;
    }
    const std::int64_t bytes = big_endian(head.data());
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    if (!std::all_of(type.begin(), type.end(), [](unsigned char c) { return std::isalpha(c) != 0; })) {
      return refuse(fmt::format("at byte {} stands something that is not a chunk", begin));
    }
    if (!seen_header_ && type != "IHDR") {
      throw damaged(input(), ImageFormat::png, "its first chunk is not a header");
    }
    if (type == "IDAT" && layout_.data_bytes > 0 && !salvage_ && !last_was_data_) {
      throw damaged(input(), ImageFormat::png,
                    fmt::format("at byte {} its pixel data go on behind another chunk", begin));
    }
    last_was_data_ = type == "IDAT";
    take(type, bytes);
    const bool needed =
        type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT" || type == "IEND";
    if (needed && begin + bytes + chunk_overhead_bytes > input().size()) {
      keep_part(begin, bytes, type);
    } else if (needed) {
      keep({begin, bytes + chunk_overhead_bytes});
    }
    stream_.seek(begin + bytes + chunk_overhead_bytes);
    return true;
  }

  bool refuse(const std::string& detail) const {
    if (!salvage_) {
      throw damaged(input(), ImageFormat::png, detail);
    }
    return false;
  }

  void keep(const Segment& segment) {
    Segment& last = layout_.needed.back();
    if (last.made.empty() && last.offset + last.bytes == segment.offset) {
      last.bytes += segment.bytes;
    } else {
      layout_.needed.push_back(segment);
    }
  }

  // Of a chunk that is cut off, only pixel data is of use: as a chunk of what is there, without its checksum.
  void keep_part(std::int64_t begin, std::int64_t bytes, std::string_view type) {
    constexpr std::int64_t head_bytes = 8;
    const std::int64_t there = std::min(bytes, input().size() - begin - head_bytes);
    if (type != "IDAT" || there <= 0) {
      return;
    }
    make_segment({static_cast<int>(there >> 24 & 255), static_cast<int>(there >> 16 & 255),
                  static_cast<int>(there >> 8 & 255), static_cast<int>(there & 255), 'I', 'D', 'A', 'T'});
    keep({begin + head_bytes, there});
    make_segment({0, 0, 0, 0});
  }

  void make_segment(std::initializer_list<int> values) {
    Segment segment;
    for (const int value : values) {
      segment.made.push_back(static_cast<std::byte>(value));
    }
    segment.bytes = static_cast<std::int64_t>(values.size());
    layout_.needed.push_back(std::move(segment));
  }

  void take(std::string_view type, std::int64_t bytes) {
    if (type == "IHDR") {
      header(bytes);
    } else if (type == "IDAT") {
      layout_.data_bytes += bytes;
    } else if (type == "IEND") {
      layout_.complete = stream_.position() + bytes + 4 <= input().size();
    } else if (type == "tRNS") {
      layout_.transparency = true;
    } else if (type == "acTL") {
      const Bytes content = load(bytes);
      if (content.size() >= 4) {
        layout_.frames = big_endian(content.data());
        check_frames(input(), *limits_, layout_.frames);
      }
    } else if (type == "fdAT") {
      // Frames of an animation; only the first picture is read.
    } else if (type != "PLTE") {
      ancillary(type, bytes);
    }
  }

  void header(std::int64_t bytes) {
    constexpr std::int64_t header_bytes = 13;
    const Bytes content = load(std::min(bytes, header_bytes));
    if (seen_header_ || bytes != header_bytes || static_cast<std::int64_t>(content.size()) != header_bytes) {
      throw damaged(input(), ImageFormat::png, "its header chunk has the wrong size or comes twice");
    }
    seen_header_ = true;
    layout_.width = big_endian(content.data());
    layout_.height = big_endian(content.data() + 4);
    layout_.bit_depth = static_cast<int>(content[8]);
    layout_.color_type = static_cast<int>(content[9]);
    layout_.interlaced = content[12] != std::byte{0};
    check_extent(input(), *limits_, layout_.width, layout_.height);
  }

  // Chunks that are not understood still count, for they cost time.
  void ancillary(std::string_view type, std::int64_t bytes) {
    constexpr std::array<std::string_view, 10> understood{"iCCP", "eXIf", "iTXt", "zTXt", "tEXt",
                                                          "pHYs", "sRGB", "gAMA", "cHRM", "cICP"};
    budget_.add_item(std::min(bytes, input().size()));
    if (std::find(understood.begin(), understood.end(), type) == understood.end()) {
      return;
    }
    const Bytes content = load(bytes);
    if (type == "iCCP") {
      Bytes profile = inflate_after_keyword(content);
      if (!profile.empty()) {
        layout_.metadata.icc = std::move(profile);
      }
    } else if (type == "eXIf") {
      layout_.metadata.exif = content;
    } else if (type == "zTXt") {
      const Bytes text = inflate_after_keyword(content);
      plain_text(keyword_of(content), text);
    } else if (type == "tEXt") {
      const std::string_view keyword = keyword_of(content);
      plain_text(keyword, std::span(content).subspan(std::min(content.size(), keyword.size() + 1)));
    } else if (type == "iTXt") {
      international_text(content);
    } else if (type == "pHYs") {
      resolution(content);
    } else {
      encoding(type, content);
    }
  }

  static std::string_view keyword_of(const Bytes& content) {
    const auto zero = std::find(content.begin(), content.end(), std::byte{0});
    return {reinterpret_cast<const char*>(content.data()), static_cast<std::size_t>(zero - content.begin())};
  }

  // Texts hold metadata in the way of ImageMagick and ExifTool, or something for people, which is not kept.
  void plain_text(std::string_view keyword, std::span<const std::byte> text) {
    const auto name = raw_profile_name(keyword);
    const auto bytes =
        name ? decode_raw_profile({reinterpret_cast<const char*>(text.data()), text.size()}) : std::nullopt;
    if (!bytes) {
      left_out(keyword);
      return;
    }
    budget_.add_item(static_cast<std::int64_t>(bytes->size()));
    Metadata& metadata = layout_.metadata;
    constexpr std::string_view xmp_prefix("http://ns.adobe.com/xap/1.0/\0", 29);
    const std::string_view as_text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    if ((*name == "APP1" || *name == "xmp") && as_text.starts_with(xmp_prefix)) {
      keep(metadata.xmp, Bytes(bytes->begin() + xmp_prefix.size(), bytes->end()));
    } else if (*name == "xmp") {
      keep(metadata.xmp, *bytes);
    } else if (*name == "exif" || *name == "APP1") {
      keep(metadata.exif, *bytes);
    } else if (*name == "iptc" || *name == "8bim") {
      keep(metadata.iptc, iptc_from_photoshop(*bytes));
    } else if (*name == "icc" || *name == "icm") {
      keep(metadata.icc, *bytes);
    } else {
      left_out(keyword);
    }
  }

  // Chunks made for it come before texts.
  static void keep(Bytes& field, Bytes bytes) {
    if (field.empty()) {
      field = std::move(bytes);
    }
  }

  void left_out(std::string_view keyword) {
    // ImageMagick's notes on the file itself.
    if (!keyword.starts_with("date:") && keyword != "Software") {
      layout_.texts_left_out.emplace_back(keyword);
    }
  }

  void encoding(std::string_view type, const Bytes& content) {
    ColorEncoding& encoding = layout_.metadata.encoding;
    if (type == "sRGB" && content.size() == 1 && content[0] <= std::byte{3}) {
      encoding.srgb_intent = static_cast<std::uint8_t>(content[0]);
    } else if (type == "gAMA" && content.size() == 4) {
      encoding.gamma = big_endian(content.data());
    } else if (type == "cHRM" && content.size() == 32) {
      for (std::size_t i = 0; i < encoding.chromaticities.size(); ++i) {
        encoding.chromaticities.at(i) = big_endian(content.data() + 4 * i);
      }
    } else if (type == "cICP" && content.size() == 4) {
      encoding.cicp = {static_cast<std::uint8_t>(content[0]), static_cast<std::uint8_t>(content[1]),
                       static_cast<std::uint8_t>(content[2]), static_cast<std::uint8_t>(content[3])};
    }
  }

  Bytes load(std::int64_t bytes) {
    Bytes content(
        static_cast<std::size_t>(std::clamp<std::int64_t>(input().size() - stream_.position(), 0, bytes)));
    content.resize(stream_.read(content));
    return content;
  }

  Bytes inflate(std::span<const std::byte> packed) {
    Bytes out = Inflater().run(packed, budget_);
    budget_.add_item(static_cast<std::int64_t>(out.size()));
    return out;
  }

  // iCCP and zTXt: keyword, 0, compression method 0, stream.
  Bytes inflate_after_keyword(const Bytes& content) {
    const auto zero = std::find(content.begin(), content.end(), std::byte{0});
    if (content.end() - zero < 2) {
      return {};
    }
    return inflate(std::span(content).subspan(static_cast<std::size_t>(zero - content.begin()) + 2));
  }

  // iTXt: keyword, 0, compressed?, method, language, 0, translated keyword, 0, text.
  void international_text(const Bytes& content) {
    const auto keyword_end = std::find(content.begin(), content.end(), std::byte{0});
    if (content.end() - keyword_end < 3) {
      return;
    }
    const bool compressed = keyword_end[1] != std::byte{0};
    auto at = std::find(keyword_end + 3, content.end(), std::byte{0});
    at = at == content.end() ? at : std::find(at + 1, content.end(), std::byte{0});
    if (at == content.end()) {
      return;
    }
    ++at;
    const auto text = std::span(content).subspan(static_cast<std::size_t>(at - content.begin()));
    Bytes plain = compressed ? inflate(text) : Bytes(text.begin(), text.end());
    const std::string_view keyword(reinterpret_cast<const char*>(content.data()),
                                   static_cast<std::size_t>(keyword_end - content.begin()));
    if (keyword == "XML:com.adobe.xmp") {
      layout_.metadata.xmp = std::move(plain);
    } else {
      plain_text(keyword, plain);
    }
  }

  void resolution(const Bytes& content) {
    constexpr std::size_t resolution_bytes = 9;
    if (content.size() == resolution_bytes && content[8] <= std::byte{1}) {
      layout_.metadata.resolution = {
          static_cast<double>(big_endian(content.data())),
          static_cast<double>(big_endian(content.data() + 4)),
          content[8] == std::byte{1} ? Resolution::Unit::metre : Resolution::Unit::ratio};
    }
  }

  InputStream stream_;
  const ReadLimits* limits_;
  bool salvage_;
  MetadataBudget budget_;
  PngLayout layout_;
  bool seen_header_ = false;
  bool last_was_data_ = false;
};

}  // namespace

PngLayout scan_png(const std::shared_ptr<const Input>& input, const ReadLimits& limits, bool salvage) {
  return Scanner(input, limits, salvage).run();
}

std::size_t SegmentReader::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size() && current_ < segments_.size()) {
    const Segment& segment = segments_[current_];
    if (used_ == segment.bytes) {
      ++current_;
      used_ = 0;
      continue;
    }
    const auto part =
        to.subspan(done, std::min(to.size() - done, static_cast<std::size_t>(segment.bytes - used_)));
    const std::size_t got = segment.made.empty() ? read_file(segment, part) : copy_made(segment, part);
    done += got;
    used_ += static_cast<std::int64_t>(got);
    if (got < part.size()) {
      break;
    }
  }
  return done;
}

std::size_t SegmentReader::read_file(const Segment& segment, std::span<std::byte> to) {
  stream_.seek(segment.offset + used_);
  return stream_.read(to);
}

std::size_t SegmentReader::copy_made(const Segment& segment, std::span<std::byte> to) const {
  std::copy_n(segment.made.begin() + used_, to.size(), to.begin());
  return to.size();
}

}  // namespace tessera
