// SPDX-License-Identifier: Apache-2.0
// A result that a later run goes on with, if this one ends before it is complete.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "codec/io/result_journal.hpp"
#include "codec/writer.hpp"

namespace tessera {

/// Of the root. Pieces are written into a partial file beside the result (AtomicFile::open_partial()), and a journal
/// beside that says several times a second which of them are there, safe from a loss of power. A run with the same
/// key goes on behind them. Both files are gone when the result is complete, or if it ends before any piece is in the
/// journal.
class ResumableSink final : public FileSink {
 public:
  /// `key` stands for all that the bytes of the result depend on. Throws what AtomicFile::open_partial() and
  /// open_sink() throw.
  ResumableSink(const std::filesystem::path& target, std::string name, const ImageInfo& info,
                const Metadata& metadata, const WriteOptions& options, const std::string& key);
  ~ResumableSink() override;
  ResumableSink(const ResumableSink&) = delete;
  ResumableSink& operator=(const ResumableSink&) = delete;

  /// Takes over the pieces of an earlier run, by calls of append() and skip() of `through`, which leads here, before any
  /// others. Returns the rows that are there; never all. Throws Error(io).
  std::int64_t take_over(Sink& through);
  /// Whether an earlier run has left something that cannot be used, because its key was another.
  [[nodiscard]] bool found_other() const { return journal_.found_other(); }

  std::int64_t piece_rows() const override { return sink_->piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_->encode(piece); }
  void append(const EncodedPiece& piece) override;
  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override;
  void pieces_written(std::int64_t count) override;
  void finish() override;
  SharedOutput* shared() override { return sink_->shared(); }
  std::vector<std::string> warnings() const override { return sink_->warnings(); }
  std::int64_t written_bytes() const override { return sink_->written_bytes(); }

 private:
  ResumableSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata,
                const WriteOptions& options, const std::string& key);
  [[nodiscard]] std::size_t usable_pieces(std::int64_t file_bytes) const;
  [[nodiscard]] Bytes read_back(std::int64_t offset, std::int64_t bytes) const;
  void save(const std::vector<JournaledPiece>& pieces);

  std::string name_;
  std::int64_t height_px_;
  AtomicFile* file_;  ///< of sink_
  ResultJournal journal_;
  std::unique_ptr<FileSink> sink_;
  std::vector<JournaledPiece> noted_;  ///< and not saved yet
  std::int64_t saved_ = 0;             ///< of the pieces that pieces_written() counts
  bool taking_over_ = false;
  bool journal_begun_ = false;  ///< the journal has pieces; while saving_ is under way it has that
  std::chrono::steady_clock::time_point next_save_{};
  std::future<void> saving_;  ///< last, so that it ends while the others are there
};

}  // namespace tessera
