// SPDX-License-Identifier: Apache-2.0
#include "process/resumable_sink.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <system_error>

#include "base/error.hpp"
#include "codec/io/input.hpp"

namespace tessera {
namespace {

/// Each costs a wait for the storage, on a thread of its own.
constexpr std::chrono::milliseconds save_interval{250};

std::filesystem::path journal_of(const AtomicFile& partial) {
  return std::filesystem::path(partial.partial()).replace_extension(".tessera-journal");
}

std::int64_t size_of(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

}  // namespace

ResumableSink::ResumableSink(const std::filesystem::path& target, std::string name, const ImageInfo& info,
                             const Metadata& metadata, const WriteOptions& options, const std::string& key)
    : ResumableSink(AtomicFile::open_partial(target, std::move(name)), info, metadata, options, key) {}

ResumableSink::ResumableSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                             const Metadata& metadata, const WriteOptions& options, const std::string& key)
    : name_(file->name()),
      height_px_(info.extent.height),
      file_(file.get()),
      journal_(journal_of(*file), key, name_),
      sink_(open_sink(std::move(file), info, metadata, options)) {
  // What the format cannot hold is refused by open_sink(), and leaves what an earlier run has made.
  journal_begun_ = !journal_.found().empty();
}

ResumableSink::~ResumableSink() {
  if (saving_.valid()) {
    saving_.wait();
  }
  if (!journal_begun_) {
    file_->discard_partial();
    journal_.remove();
  }
}

std::size_t ResumableSink::usable_pieces(std::int64_t file_bytes) const {
  const std::vector<JournaledPiece>& found = journal_.found();
  const std::int64_t all = (height_px_ + piece_rows() - 1) / piece_rows();
  std::size_t count = 0;
  while (count < found.size() && static_cast<std::int64_t>(count) + 1 < all &&
         found[count].end_bytes <= file_bytes) {
    ++count;
  }
  return count;
}

Bytes ResumableSink::read_back(std::int64_t offset, std::int64_t bytes) const {
  Bytes body(static_cast<std::size_t>(bytes));
  if (!open_descriptor_input(file_->descriptor(), name_)->read_all_at(offset, body)) {
    throw Error(ErrorCode::io, fmt::format("Cannot write '{}': reading its partial file failed.", name_),
                name_);
  }
  return body;
}

std::int64_t ResumableSink::take_over(Sink& through) {
  const std::size_t count = usable_pieces(size_of(file_->descriptor()));
  taking_over_ = true;
  for (std::size_t i = 0; i < count; ++i) {
    const JournaledPiece& piece = journal_.found()[i];
    if (i == 0) {
      through.append({read_back(piece.end_bytes - piece.body_bytes, piece.body_bytes), piece.index});
    } else {
      through.skip(piece.index, piece.body_bytes);
    }
  }
  taking_over_ = false;
  if (::ftruncate(file_->descriptor(), file_->size()) != 0) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot write '{}': its partial file cannot be shortened ({}).", name_,
                            std::generic_category().message(errno)),
                name_);
  }
  journal_begun_ = count > 0;
  if (count > 0) {
    journal_.restart(std::span(journal_.found()).first(count));
  }
  return static_cast<std::int64_t>(count) * piece_rows();
}

void ResumableSink::append(const EncodedPiece& piece) {
  sink_->append(piece);
  if (!taking_over_) {
    noted_.push_back({std::ssize(piece.body), sink_->shared()->position(), piece.index});
  }
}

void ResumableSink::skip(std::span<const std::byte> index, std::int64_t body_bytes) {
  sink_->skip(index, body_bytes);
  if (!taking_over_) {
    noted_.push_back({body_bytes, sink_->shared()->position(), Bytes(index.begin(), index.end())});
  }
}

void ResumableSink::pieces_written(std::int64_t count) {
  const auto now = std::chrono::steady_clock::now();
  if (count <= saved_ || now < next_save_) {
    return;
  }
  if (saving_.valid()) {
    if (saving_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      return;
    }
    saving_.get();
  }
  const auto end = noted_.begin() + static_cast<std::ptrdiff_t>(count - saved_);
  std::vector<JournaledPiece> pieces(std::make_move_iterator(noted_.begin()), std::make_move_iterator(end));
  noted_.erase(noted_.begin(), end);
  saved_ = count;
  next_save_ = now + save_interval;
  saving_ = std::async(std::launch::async, [this, own = std::move(pieces)] { save(own); });
}

/// On a thread of its own. The pieces are in storage before the journal says so.
void ResumableSink::save(const std::vector<JournaledPiece>& pieces) {
  if (::fdatasync(file_->descriptor()) != 0) {
    throw Error(
        ErrorCode::io,
        fmt::format("Cannot write '{}': writing failed ({}).", name_, std::generic_category().message(errno)),
        name_);
  }
  if (!journal_begun_) {
    journal_.restart(pieces);
    journal_begun_ = true;
  } else {
    journal_.append(pieces);
  }
}

void ResumableSink::finish() {
  if (saving_.valid()) {
    saving_.get();
  }
  sink_->finish();
  journal_begun_ = false;
  journal_.remove();
}

}  // namespace tessera
