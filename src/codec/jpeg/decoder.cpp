// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/decoder.hpp"

#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
// libjpeg's headers need <cstdio> before them, and jerror.h numbers its messages by macros from jpeglib.h.
#include <jpeglib.h>
// Kept apart so that the order stays.
#include <jerror.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>

namespace tessera {
namespace {

// Warnings of libjpeg after which pixels are wrong.
bool is_damage(int message_code) {
  switch (message_code) {
    case JWRN_HIT_MARKER:
    case JWRN_JPEG_EOF:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      return true;
    default:
      return false;
  }
}

bool is_unsupported(int message_code) {
  return message_code == JERR_ARITH_NOTIMPL || message_code == JERR_BAD_PRECISION ||
         message_code == JERR_CONVERSION_NOTIMPL || message_code == JERR_NOT_COMPILED;
}

// libjpeg's messages in words for people.
std::string_view plain_words(int message_code) {
  switch (message_code) {
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF:
      return "the file ends there";
    case JWRN_HIT_MARKER:
      return "its data end too early";
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
      return "its data make no sense";
    case JWRN_MUST_RESYNC:
      return "a restart marker is wrong";
    case JERR_NO_HUFF_TABLE:
    case JERR_BAD_HUFF_TABLE:
      return "a Huffman table is missing or wrong";
    case JERR_NO_QUANT_TABLE:
      return "a quantization table is missing";
    case JERR_NO_ARITH_TABLE:
      return "an arithmetic coding table is missing";
    case JERR_SOF_DUPLICATE:
    case JERR_SOF_NO_SOS:
    case JERR_SOS_NO_SOF:
    case JERR_SOI_DUPLICATE:
    case JERR_NO_SOI:
      return "its markers are in the wrong order";
    default:
      return "its headers make no sense";
  }
}

// Freed also where the decoder's constructor throws. Nothing happens to one that was never created.
struct Codec : jpeg_decompress_struct {
  Codec() : jpeg_decompress_struct{} {}
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec() { jpeg_destroy_decompress(this); }
};

class LibJpegDecoder final : public JpegDecoder {
 public:
  LibJpegDecoder(InputPtr input, const ReadOptions& options)
      : input_(std::move(input)),
        stream_(input_),
        max_scans_(options.limits.max_scans),
        salvage_(options.salvage) {
    codec_.err = jpeg_std_error(&errors_);
    codec_.client_data = this;
    errors_.error_exit = [](j_common_ptr codec) { self(codec).escape(); };
    errors_.emit_message = [](j_common_ptr codec, int level) { self(codec).note(level); };
    guarded("header", [this] {
      jpeg_create_decompress(&codec_);
      source_.init_source = [](j_decompress_ptr) {};
      source_.fill_input_buffer = [](j_decompress_ptr codec) { return self(codec).fill(); };
      source_.skip_input_data = [](j_decompress_ptr codec, long bytes) { self(codec).skip(bytes); };
      source_.resync_to_restart = jpeg_resync_to_restart;
      source_.term_source = [](j_decompress_ptr) {};
      codec_.src = &source_;
      progress_.progress_monitor = [](j_common_ptr codec) { self(codec).count_scans(); };
      codec_.progress = &progress_;
      jpeg_read_header(&codec_, TRUE);
      codec_.out_color_space = codec_.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    });
  }

  [[nodiscard]] bool agrees_with(const JpegLayout& layout) const override {
    return layout.width == codec_.image_width && layout.height == codec_.image_height &&
           layout.components == codec_.num_components;
  }
  [[nodiscard]] bool several_scans() override { return jpeg_has_multiple_scans(&codec_) != FALSE; }

  [[nodiscard]] std::optional<JpegScan> plain_scan() override {
    constexpr int all_coefficients = 63;
    const bool plain = !codec_.progressive_mode && !codec_.arith_code && codec_.data_precision == 8 &&
                       codec_.comps_in_scan == codec_.num_components && codec_.Ss == 0 &&
                       codec_.Se == all_coefficients && codec_.Ah == 0 && codec_.Al == 0 && !damaged_;
    const bool gray = codec_.num_components == 1 && codec_.jpeg_color_space == JCS_GRAYSCALE;
    const bool color = codec_.num_components == 3 && codec_.jpeg_color_space == JCS_YCbCr;
    if (!plain || !(gray || color)) {
      return std::nullopt;
    }
    JpegScan scan;
    scan.width = codec_.image_width;
    scan.height = codec_.image_height;
    scan.restart_interval = codec_.restart_interval;
    // What libjpeg has been lent and not used comes next.
    scan.data_offset = stream_.position() + static_cast<std::int64_t>(lent_ - source_.bytes_in_buffer);
    for (int i = 0; i < codec_.num_components; ++i) {
      const jpeg_component_info& info = *codec_.cur_comp_info[i];
      const JHUFF_TBL* const dc = at(codec_.dc_huff_tbl_ptrs, info.dc_tbl_no);
      const JHUFF_TBL* const ac = at(codec_.ac_huff_tbl_ptrs, info.ac_tbl_no);
      const JQUANT_TBL* const steps = at(codec_.quant_tbl_ptrs, info.quant_tbl_no);
      if (info.component_index != i || dc == nullptr || ac == nullptr || steps == nullptr ||
          (i > 0 && (info.h_samp_factor != 1 || info.v_samp_factor != 1))) {
        return std::nullopt;
      }
      JpegScan::Component& component = scan.components.emplace_back();
      component.dc = spec_of(*dc);
      component.ac = spec_of(*ac);
      std::copy(std::begin(steps->quantval), std::end(steps->quantval), component.quantizers.begin());
    }
    if (color) {
      // A scan of one component has no other that it is sampled more finely than.
      scan.luma_columns = codec_.comp_info[0].h_samp_factor;
      scan.luma_rows = codec_.comp_info[0].v_samp_factor;
    }
    // libjpeg does not smooth what is not wider.
    constexpr std::int64_t widest_rough = 4;
    const bool sampled = scan.luma_columns == 1
                             ? scan.luma_rows == 1
                             : scan.luma_columns == 2 && scan.luma_rows <= 2 && scan.width > widest_rough;
    return sampled ? std::optional(std::move(scan)) : std::nullopt;
  }

  [[nodiscard]] bool reduce(int factor) override {
    const bool known = factor == 2 || factor == 4 || factor == DCTSIZE;
    // libjpeg transforms to squares only: where Cb and Cr would have to become others, they are left so coarse that
    // the picture is several levels from the means of the full one.
    const bool square = codec_.max_h_samp_factor == codec_.max_v_samp_factor && codec_.max_h_samp_factor <= 2;
    if (started_ || codec_.scale_denom != 1 || !known || !square) {
      return false;
    }
    codec_.scale_denom = static_cast<unsigned>(factor);
    return true;
  }

  void decode(std::int64_t y, std::byte* row) override {
    if (!started_) {
      started_ = true;
      guarded("first scan", [this] { jpeg_start_decompress(&codec_); });
    }
    row_ = reinterpret_cast<JSAMPROW>(row);
    guarded([y, this] { return fmt::format("row {} of {}", y * codec_.scale_denom, codec_.image_height); },
            [this] { jpeg_read_scanlines(&codec_, &row_, 1); });
  }

  [[nodiscard]] RowState state(std::int64_t y) const override {
    if (!damaged_ || later_scan_ || y < damage_row_) {
      return RowState::whole;
    }
    if (y < damage_row_ + damage_rows_) {
      // Less than one row of blocks is nothing to speak of, unless that is the whole image.
      return ended_ && damage_row_ == 0 && codec_.output_height > damage_rows_ ? RowState::lost
                                                                               : RowState::partial;
    }
    return ended_ ? RowState::lost : RowState::partial;
  }
  [[nodiscard]] Error damage() const override {
    return without_salvage_advice(
        damaged(*input_, ImageFormat::jpeg, fmt::format("none of its rows can be decoded ({})", reason_)));
  }
  [[nodiscard]] std::string_view look_of_lost_rows() const override { return "gray"; }
  [[nodiscard]] std::vector<std::string> warnings() const override {
    if (!damaged_ || !later_scan_) {
      return {};
    }
    return {
        fmt::format("The image lacks detail: it comes in several scans, of which scan {} is damaged ({}).",
                    *later_scan_, reason_)};
  }

  void finish() override {
    guarded("end", [this] { jpeg_finish_decompress(&codec_); });
  }

 private:
  static LibJpegDecoder& self(j_common_ptr codec) {
    return *static_cast<LibJpegDecoder*>(codec->client_data);
  }
  static LibJpegDecoder& self(j_decompress_ptr codec) {
    return *static_cast<LibJpegDecoder*>(codec->client_data);
  }

  // Null also where a hostile header names a table that cannot exist.
  template <class Table, std::size_t Count>
  static const Table* at(Table* const (&tables)[Count], int number) {
    return number >= 0 && static_cast<std::size_t>(number) < Count ? tables[number] : nullptr;
  }

  static HuffmanSpec spec_of(const JHUFF_TBL& table) {
    HuffmanSpec spec;
    std::copy(std::begin(table.bits), std::end(table.bits), spec.codes_of_length.begin());
    std::copy(std::begin(table.huffval), std::end(table.huffval), spec.symbols.begin());
    return spec;
  }

  template <class Action>
  void guarded(const char* place, Action action) {
    guarded([place] { return std::string("its ") + place; }, action);
  }

  // Runs libjpeg. Its errors come back here by longjmp, so `action` must not own anything.
  template <class Place, class Action>
  requires std::is_invocable_v<Place>
  void guarded(Place place, Action action) {
    if (setjmp(escape_) == 0) {
      action();
    } else {
      failed_ = true;
    }
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (too_many_scans_) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("The JPEG image {} has more than {} scans, each of which costs a pass over the whole "
                      "image.",
                      input_->name(), max_scans_),
          input_->name());
    }
    if (failed_ && is_unsupported(errors_.msg_code)) {
      throw unsupported(*input_, ImageFormat::jpeg, "it is of a kind that libjpeg does not decode");
    }
    if (failed_ || (damaged_ && !salvage_)) {
      throw damaged(*input_, ImageFormat::jpeg,
                    fmt::format("{} cannot be decoded ({})", place(), plain_words(errors_.msg_code)));
    }
  }

  [[noreturn]] void escape() { std::longjmp(escape_, 1); }

  void note(int level) {
    if (level < 0 && is_damage(errors_.msg_code) && !damaged_) {
      damaged_ = true;
      note_place();
      if (!salvage_) {
        std::longjmp(escape_, 1);
      }
    }
  }

  void note_place() {
    reason_ = plain_words(errors_.msg_code);
    ended_ = errors_.msg_code == JWRN_JPEG_EOF || errors_.msg_code == JWRN_HIT_MARKER;
    damage_rows_ = static_cast<std::uint32_t>(codec_.max_v_samp_factor) * DCTSIZE;
    // Scans that follow the first only refine it.
    if (codec_.input_scan_number > 1) {
      later_scan_ = codec_.input_scan_number;
    }
    damage_row_ = std::int64_t{codec_.input_iMCU_row} * damage_rows_;
  }

  void count_scans() {
    if (codec_.input_scan_number > max_scans_) {
      too_many_scans_ = true;
      std::longjmp(escape_, 1);
    }
  }

  boolean fill() {
    bool failed = false;
    try {
      stream_.consume(lent_);
      const auto bytes = stream_.peek();
      lent_ = bytes.size();
      source_.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
      source_.bytes_in_buffer = lent_;
    } catch (...) {
      failure_ = std::current_exception();
      failed = true;
    }
    if (failed) {
      std::longjmp(escape_, 1);
    }
    if (lent_ == 0) {
      // What libjpeg's own sources do: a warning, then an invented end of the image.
      static constexpr std::array<JOCTET, 2> end_of_image{0xFF, JPEG_EOI};
      WARNMS(&codec_, JWRN_JPEG_EOF);
      source_.next_input_byte = end_of_image.data();
      source_.bytes_in_buffer = end_of_image.size();
    }
    return TRUE;
  }

  void skip(long bytes) {
    if (bytes <= 0) {
      return;
    }
    const auto count = static_cast<std::size_t>(bytes);
    if (count <= source_.bytes_in_buffer) {
      source_.next_input_byte += count;
      source_.bytes_in_buffer -= count;
      return;
    }
    lent_ += count - source_.bytes_in_buffer;
    source_.bytes_in_buffer = 0;
  }

  InputPtr input_;
  InputStream stream_;
  int max_scans_;
  bool salvage_;
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf escape_{};
  std::exception_ptr failure_;
  Codec codec_;
  std::size_t lent_ = 0;  ///< bytes of the stream given to libjpeg
  JSAMPROW row_ = nullptr;
  bool started_ = false;
  bool failed_ = false;
  bool damaged_ = false;
  bool too_many_scans_ = false;
  // Of the first damage:
  std::string_view reason_;
  bool ended_ = false;             ///< the data stop there
  std::int64_t damage_row_ = 0;    ///< pixels above it are right
  std::int64_t damage_rows_ = 0;   ///< rows that are decoded at once
  std::optional<int> later_scan_;  ///< the scan, if another before it is whole
};

}  // namespace

std::unique_ptr<JpegDecoder> make_jpeg_decoder(const InputPtr& input, const ReadOptions& options) {
  return std::make_unique<LibJpegDecoder>(input, options);
}

}  // namespace tessera
