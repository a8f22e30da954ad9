// SPDX-License-Identifier: Apache-2.0
// A piece is one row of tiles, each of them a file or several; whoever made it writes them, into the root's hidden
// folder. Smaller levels are made from the tiles of the level before, read back by every rank that can.
#include "codec/folder/sink.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "codec/common/sinks.hpp"
#include "codec/folder/level_source.hpp"
#include "codec/folder/target.hpp"
#include "codec/folder/tile_format.hpp"
#include "codec/io/atomic_folder.hpp"
#include "codec/io/temporary_names.hpp"

namespace tessera {
namespace {

constexpr std::string_view token_file = "token";

/// In front of the sizes of a piece's files, in its index.
struct PieceHead {
  std::int64_t level = 0;
  std::int64_t row = 0;  ///< of tiles
};

std::unique_ptr<TileFormat> make_format(const ImageInfo& info, const WriteOptions& options) {
  return options.format == FileFormat::ome_zarr ? make_ome_zarr(info, options)
                                                : make_deep_zoom(info, options);
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string in_content(std::string_view path) { return fmt::format("{}/{}", AtomicFolder::content, path); }

std::string in_tiles(std::string_view path) { return in_content(fmt::format("{}/{}", tiles_entry, path)); }

class TileFolderSink final : public FileSink, private Pyramid, private SharedOutput {
 public:
  TileFolderSink(std::unique_ptr<AtomicFolder> folder, const ImageInfo& info, Metadata metadata,
                 const WriteOptions& options, std::vector<std::string> warnings)
      : format_(make_format(info, options)),
        levels_{info.extent},
        folder_(std::move(folder)),
        metadata_(std::move(metadata)),
        warnings_(std::move(warnings)) {
    if (folder_) {
      common_ = format_->common_bytes(metadata_);
      folder_->files().make_folder(in_content(tiles_entry));
    }
  }

  std::int64_t piece_rows() const override { return format_->tile_px(); }

  EncodedPiece encode(const Tile& piece) const override {
    const std::int64_t side = format_->tile_px();
    const PieceHead head{static_cast<std::int64_t>(levels_.size()) - 1, piece.rect.y / side};
    EncodedPiece out;
    append_bytes(out.index, &head, sizeof head);
    const std::int64_t end = piece.rect.x + piece.rect.width;
    for (std::int64_t x = piece.rect.x; x < end; x += side) {
      const Rect part{x, piece.rect.y, std::min(side, end - x), piece.rect.height};
      for (const Bytes& file : format_->encode(piece.view(part))) {
        const std::uint64_t size = file.size();
        append_bytes(out.index, &size, sizeof size);
        append_bytes(out.body, file.data(), file.size());
      }
    }
    return out;
  }

  void append(const EncodedPiece& piece) override {
    write_files(folder_->files(), piece);
    count(piece.index, static_cast<std::int64_t>(piece.body.size()));
  }

  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override { count(index, body_bytes); }

  /// Of a level.
  void finish() override {}

  SharedOutput* shared() override { return this; }
  Pyramid* pyramid() override { return this; }
  std::vector<std::string> warnings() const override { return warnings_; }
  std::int64_t written_bytes() const override { return published_ ? bytes_ : 0; }

 private:
  ImageInfo finished_level() const override { return {levels_.back(), format_->stored_format()}; }

  std::optional<ImageInfo> begin_next_level() override {
    const Extent extent = levels_.back();
    if (format_->is_smallest(extent)) {
      return std::nullopt;
    }
    levels_.push_back({(extent.width + 1) / 2, (extent.height + 1) / 2});
    return finished_level();
  }

  std::unique_ptr<Source> open_finished_level() override {
    const FolderFiles* const files = folder_ ? &folder_->files() : joined_ ? &*joined_ : nullptr;
    if (files == nullptr) {
      return nullptr;
    }
    const int level = static_cast<int>(levels_.size()) - 1;
    return std::make_unique<TileLevelSource>(
        finished_level(), *format_, level,
        [files](const std::string& path) { return files->read(in_tiles(path)); });
  }

  void publish() override {
    for (const DescribingFile& file : format_->describe(levels_, metadata_, folder_->files().name())) {
      const std::array parts{bytes_of(file.text)};
      folder_->files().write(in_content(file.path), parts);
      bytes_ += static_cast<std::int64_t>(file.text.size());
    }
    folder_->commit();
    published_ = true;
  }

  /// One invitation serves for this machine and others: the folder has a name from the start.
  std::string invite(bool /*by_name*/) override {
    try {
      const std::string token = random_token();
      const std::array parts{bytes_of(token)};
      folder_->files().write(std::string(token_file), parts);
      const Json invitation{
          {"folder", folder_->path().string()},
          {"token", token},
          {"name", folder_->files().name()},
          {"common_at", common_.offset},
          {"common", Json::binary({reinterpret_cast<const std::uint8_t*>(common_.bytes.data()),
                                   reinterpret_cast<const std::uint8_t*>(common_.bytes.data()) +
                                       common_.bytes.size()})}};
      const std::vector<std::uint8_t> packed = Json::to_cbor(invitation);
      return {packed.begin(), packed.end()};
    } catch (const Error&) {
      return {};
    }
  }

  bool join(const std::string& text) override {
    const Json invitation = Json::from_cbor(text);
    auto files = FolderFiles::open(invitation.at("folder").get<std::string>(), invitation.at("name"));
    try {
      const std::string token = invitation.at("token");
      const Bytes found = files ? files->read(std::string(token_file)) : Bytes();
      const std::span expected = bytes_of(token);
      if (!std::equal(found.begin(), found.end(), expected.begin(), expected.end())) {
        return false;
      }
    } catch (const Error&) {
      return false;  // a folder of the same name on another machine
    }
    joined_ = std::move(files);
    const auto& common = invitation.at("common").get_binary();
    common_.offset = invitation.at("common_at");
    common_.bytes.clear();
    append_bytes(common_.bytes, common.data(), common.size());
    return true;
  }

  /// The token stays until the folder has gone: another look at it does no harm.
  void end_invitation() override {}
  std::int64_t position() const override { return bytes_; }
  void write_at(std::int64_t /*offset*/, const EncodedPiece& piece) override { write_files(*joined_, piece); }
  /// Files are closed when they are written, which is when other machines see them.
  void flush() override {}

  void write_files(const FolderFiles& files, const EncodedPiece& piece) const {
    PieceHead head;
    std::memcpy(&head, piece.index.data(), sizeof head);
    TilePlace place{static_cast<int>(head.level), 0, head.row};
    std::span<const std::byte> sizes = std::span(piece.index).subspan(sizeof head);
    std::span<const std::byte> body = piece.body;
    for (; !sizes.empty(); ++place.column) {
      for (const std::string& path : format_->paths(place)) {
        std::uint64_t size = 0;
        std::memcpy(&size, sizes.data(), sizeof size);
        sizes = sizes.subspan(sizeof size);
        const std::span file = body.first(size);
        const std::array parts{file.first(common_.offset), std::span<const std::byte>(common_.bytes),
                               file.subspan(common_.offset)};
        files.write(in_tiles(path), parts);
        body = body.subspan(size);
      }
    }
  }

  void count(std::span<const std::byte> index, std::int64_t body_bytes) {
    const std::size_t files = (index.size() - sizeof(PieceHead)) / sizeof(std::uint64_t);
    bytes_ += body_bytes + static_cast<std::int64_t>(files * common_.bytes.size());
  }

  std::unique_ptr<TileFormat> format_;
  std::vector<Extent> levels_;  ///< the last is being written
  CommonBytes common_;
  // Root only.
  std::unique_ptr<AtomicFolder> folder_;
  Metadata metadata_;
  std::vector<std::string> warnings_;
  std::int64_t bytes_ = 0;  ///< of all files
  bool published_ = false;
  // Other ranks.
  std::optional<FolderFiles> joined_;
};

}  // namespace

std::unique_ptr<FileSink> open_tile_folder(const std::filesystem::path& target, const ImageInfo& info,
                                           Metadata metadata, const WriteOptions& options, std::string name,
                                           std::vector<std::string> warnings) {
  name = name.empty() ? target.string() : std::move(name);
  TileFolderTarget place = tile_folder_target(target, options.format, name);
  static_cast<void>(holds_older_result(place, options.format));
  auto folder = std::make_unique<AtomicFolder>(place.parent, std::move(place.entries), std::move(name));
  return std::make_unique<TileFolderSink>(std::move(folder), info, std::move(metadata), options,
                                          std::move(warnings));
}

std::unique_ptr<FileSink> make_tile_encoder(const ImageInfo& info, const WriteOptions& options) {
  return std::make_unique<TileFolderSink>(nullptr, info, Metadata{}, options, std::vector<std::string>{});
}

}  // namespace tessera
