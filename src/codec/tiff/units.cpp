// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <limits>
#include <mutex>

#include "codec/tiff/unit_samples.hpp"

namespace tessera {
namespace {

std::string place_of(const TiffLayout& layout, std::int64_t unit) {
  return fmt::format("the {} from row {} on", layout.tiled ? "row of tiles" : "strip",
                     unit * layout.unit_rows);
}

/// What a thread unpacks with: libtiff's handles are not shared between threads.
class Unpackers {
 public:
  Unpackers(std::shared_ptr<TiffFile> first, const TiffLayout& layout)
      : input_(first->shared_input()), layout_(layout) {}

  /// An idle one, or a new one, for one thread. It is released when its work has succeeded, and dropped after a failure.
  std::shared_ptr<TiffFile> acquire() {
    {
      const std::scoped_lock lock(mutex_);
      if (!free_.empty()) {
        std::shared_ptr<TiffFile> file = std::move(free_.back());
        free_.pop_back();
        return file;
      }
    }
    // Strips that are not compressed may be cut into smaller ones as the index is loaded.
    auto file = std::make_shared<TiffFile>(input_, layout_.compression == COMPRESSION_NONE
                                                       ? TiffFile::Index::loaded
                                                       : TiffFile::Index::on_demand);
    file->prepare(layout_);
    return file;
  }
  void release(std::shared_ptr<TiffFile> file) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(file));
  }

 private:
  std::shared_ptr<const Input> input_;
  TiffLayout layout_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<TiffFile>> free_;
};

/// A strip of one plane, or a tile, as it is stored.
struct Part {
  std::uint32_t index = 0;  ///< in the file
  int plane = 0;
  std::int64_t x = 0;  ///< its first column
  std::size_t begin = 0;
  std::size_t bytes = 0;  ///< of what was read
};

/// A strip or a row of tiles, of all planes: first its stored bytes, then its samples.
class Unit {
 public:
  Unit(const UnitSamples& samples, std::int64_t index, std::vector<Part> parts, Bytes stored)
      : samples_(samples), index_(index), parts_(std::move(parts)), stored_(std::move(stored)) {}

  [[nodiscard]] std::int64_t index() const { return index_; }
  [[nodiscard]] Interval rows() const {
    const std::int64_t first = index_ * samples_.layout().unit_rows;
    return {first, first + samples_.rows_of(index_)};
  }
  /// Row `y` of the image, once it is unpacked.
  [[nodiscard]] const std::byte* row(std::int64_t y) const {
    return held_.data() + (y - rows().begin) * samples_.row_bytes();
  }

  /// Returns when all is unpacked, by this thread and others that call it. Throws what the first damaged part gives,
  /// to all of them.
  void unpack(Unpackers& unpackers) {
    std::unique_lock lock(mutex_);
    if (held_.empty()) {
      held_.resize(static_cast<std::size_t>(samples_.rows_of(index_) * samples_.row_bytes()));
    }
    while (next_ < parts_.size()) {
      const std::size_t part = next_++;
      lock.unlock();
      std::exception_ptr failure;
      try {
        unpack(parts_[part], unpackers);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      if (failure && part < failed_) {
        failed_ = part;
        failure_ = failure;
      }
      if (++done_ == parts_.size()) {
        stored_ = {};
        changed_.notify_all();
      }
    }
    changed_.wait(lock, [&] { return done_ == parts_.size(); });
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  void unpack(const Part& part, Unpackers& unpackers) {
    const TiffLayout& layout = samples_.layout();
    const std::shared_ptr<TiffFile> file = unpackers.acquire();
    const std::int64_t rows = samples_.rows_of(index_);
    const bool as_held = !layout.tiled && samples_.strips_as_held();
    const std::int64_t packed_row = layout.tiled ? static_cast<std::int64_t>(TIFFTileRowSize64(file->get()))
                                                 : samples_.packed_row_bytes();
    const std::int64_t bytes =
        layout.tiled ? static_cast<std::int64_t>(TIFFTileSize64(file->get())) : rows * packed_row;
    Bytes own;
    std::byte* packed = held_.data();
    if (!as_held) {
      own.resize(static_cast<std::size_t>(bytes));
      packed = own.data();
    }
    if (layout.compression != COMPRESSION_NONE) {
      // libtiff takes streams that unpack to more than they should, and then leaves some of the last bytes unwritten:
      // other images' pixels must not show there.
      std::fill_n(packed, bytes, std::byte{0});
    }
    if (TIFFReadFromUserBuffer(file->get(), part.index, stored_.data() + part.begin,
                               static_cast<tmsize_t>(part.bytes), packed, bytes) != 1) {
      throw file->error(place_of(layout, index_));
    }
    if (!as_held) {
      const std::int64_t columns =
          layout.tiled ? std::min<std::int64_t>(layout.tile_width, layout.width - part.x) : layout.width;
      for (std::int64_t y = 0; y < rows; ++y) {
        samples_.unpack(packed + y * packed_row, held_.data(), y, part.x, columns, part.plane);
      }
    }
    unpackers.release(file);
  }

  const UnitSamples& samples_;
  std::int64_t index_;
  std::vector<Part> parts_;
  Bytes stored_;  ///< of all parts
  Bytes held_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;  ///< part that nobody unpacks yet
  std::size_t done_ = 0;
  std::size_t failed_ = std::numeric_limits<std::size_t>::max();  ///< the first part that has failed
  std::exception_ptr failure_;
};

class UnitSource final : public Source {
 public:
  UnitSource(ImageHeader header, std::shared_ptr<TiffFile> file, const TiffLayout& layout)
      : info_(header.info),
        metadata_(std::move(header.metadata)),
        working_bytes_(header.working_bytes),
        file_(std::move(file)),
        samples_(layout),
        unpackers_(file_, layout) {}

  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  std::int64_t working_bytes() const override { return working_bytes_; }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    file_->read_ahead(samples_.layout(), samples_.layout().units_of(rows), max_bytes);
  }
  void read_rows(Tile& out) override { read_rows_deferred(out)->finish(out); }

  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override {
    check_tile(out, info_);
    std::vector<std::shared_ptr<Unit>> units;
    const Interval wanted = samples_.layout().units_of(out.rect.rows());
    for (std::int64_t index = wanted.begin; index < wanted.end; ++index) {
      if (!last_ || last_->index() != index) {
        last_ = load(index);
      }
      units.push_back(last_);
    }
    return std::make_unique<UnitRows>(*this, std::move(units));
  }

 private:
  class UnitRows final : public DeferredRows {
   public:
    UnitRows(UnitSource& source, std::vector<std::shared_ptr<Unit>> units)
        : source_(source), units_(std::move(units)) {}
    void finish(Tile& out) override {
      for (std::shared_ptr<Unit>& unit : units_) {
        unit->unpack(source_.unpackers_);
        source_.copy(*unit, out);
        unit.reset();
      }
    }

   private:
    UnitSource& source_;
    std::vector<std::shared_ptr<Unit>> units_;
  };

  void copy(const Unit& unit, Tile& out) const {
    const Interval rows = unit.rows().intersect(out.rect.rows());
    Bytes with_alpha(info_.format.alpha ? static_cast<std::size_t>(samples_.row_bytes()) : 0);
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const std::int64_t at = y - out.rect.y;
      std::byte* const to =
          with_alpha.empty() ? out.color.ptr<std::byte>(static_cast<int>(at)) : with_alpha.data();
      std::memcpy(to, unit.row(y), static_cast<std::size_t>(samples_.row_bytes()));
      samples_.finish_row(to);
      if (!with_alpha.empty()) {
        store_row(to, out, at);
      }
    }
  }

  /// Reads the stored bytes.
  std::shared_ptr<Unit> load(std::int64_t index) {
    const TiffLayout& layout = samples_.layout();
    const std::int64_t across = layout.tiles_across();
    std::vector<Part> parts;
    std::vector<ByteSpan> spans;
    std::size_t bytes = 0;
    for (int plane = 0; plane < samples_.planes(); ++plane) {
      for (std::int64_t i = 0; i < across; ++i) {
        const std::uint32_t strile = layout.strile(index, plane, i);
        const ByteSpan span = file_->stored(strile, place_of(layout, index));
        parts.push_back({strile, plane, i * layout.tile_width, bytes, static_cast<std::size_t>(span.bytes)});
        append_span(spans, span);
        bytes += static_cast<std::size_t>(span.bytes);
      }
    }
    check_stored_bytes(index, static_cast<std::int64_t>(bytes));
    Bytes stored(bytes);
    std::span<std::byte> to = stored;
    for (const ByteSpan& span : spans) {
      file_->read_stored(span, to.first(static_cast<std::size_t>(span.bytes)), place_of(layout, index));
      to = to.subspan(static_cast<std::size_t>(span.bytes));
    }
    return std::make_shared<Unit>(samples_, index, std::move(parts), std::move(stored));
  }

  /// Compressed, samples take little more than they do unpacked, unless somebody wants to fill the memory.
  void check_stored_bytes(std::int64_t index, std::int64_t bytes) const {
    constexpr std::int64_t any = std::int64_t{128} << 20;
    const std::int64_t most = any + 2 * samples_.rows_of(index) * samples_.row_bytes();
    if (bytes > most) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format(
              "The TIFF image {} cannot be read: {} takes {} MB as it is stored; at most {} MB are read.",
              file_->input().name(), place_of(samples_.layout(), index), bytes >> 20, most >> 20),
          file_->input().name());
    }
  }

  ImageInfo info_;
  Metadata metadata_;
  std::int64_t working_bytes_;
  std::shared_ptr<TiffFile> file_;  ///< its index is used by the one thread whose turn it is to read
  UnitSamples samples_;
  Unpackers unpackers_;
  std::shared_ptr<Unit> last_;
};

}  // namespace

std::unique_ptr<Source> make_tiff_unit_source(ImageHeader header, std::shared_ptr<TiffFile> file,
                                              const TiffLayout& layout) {
  return std::make_unique<UnitSource>(std::move(header), std::move(file), layout);
}

}  // namespace tessera
