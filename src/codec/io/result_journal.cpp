// SPDX-License-Identifier: Apache-2.0
#include "codec/io/result_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "codec/io/input.hpp"

namespace tessera {
namespace {

/// Before the index of a piece.
struct RecordHead {
  std::int64_t body_bytes = 0;
  std::int64_t end_bytes = 0;
  std::uint32_t index_bytes = 0;
  std::uint32_t checksum = 0;  ///< of the others and the index
};
static_assert(sizeof(RecordHead) == 24);

std::uint32_t checksum_of(RecordHead head, std::span<const std::byte> index) {
  head.checksum = 0;
  const uLong of_head = crc32_z(0, reinterpret_cast<const Bytef*>(&head), sizeof head);
  return static_cast<std::uint32_t>(
      crc32_z(of_head, reinterpret_cast<const Bytef*>(index.data()), index.size()));
}

}  // namespace

ResultJournal::ResultJournal(std::filesystem::path file, std::string key, std::string name)
    : path_(std::move(file)), key_(std::move(key) + '\n'), name_(std::move(name)) {
  file_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file_) {
    read();
  } else if (errno != ENOENT) {
    fail("opening");
  }
}

void ResultJournal::fail(const char* what) const {
  throw Error(ErrorCode::io,
              fmt::format("Cannot write '{}': {} the journal '{}' failed ({}).", name_, what, path_.string(),
                          std::generic_category().message(errno)),
              name_);
}

void ResultJournal::read() {
  const auto input = open_descriptor_input(file_.get(), path_.string());
  Bytes content(static_cast<std::size_t>(input->size()));
  if (!input->read_all_at(0, content)) {
    fail("reading");
  }
  std::span<const std::byte> rest(content);
  if (rest.size() < key_.size() || std::memcmp(rest.data(), key_.data(), key_.size()) != 0) {
    found_other_ = !rest.empty();
    return;
  }
  rest = rest.subspan(key_.size());
  RecordHead head;
  while (rest.size() >= sizeof head) {
    std::memcpy(&head, rest.data(), sizeof head);
    rest = rest.subspan(sizeof head);
    if (head.index_bytes > rest.size() || head.checksum != checksum_of(head, rest.first(head.index_bytes))) {
      return;
    }
    const auto index = rest.first(head.index_bytes);
    found_.push_back({head.body_bytes, head.end_bytes, Bytes(index.begin(), index.end())});
    rest = rest.subspan(head.index_bytes);
  }
}

void ResultJournal::restart(std::span<const JournaledPiece> pieces) {
  file_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) {
    fail("opening");
  }
  size_ = std::ssize(key_);
  if (!pwrite_all(file_.get(), 0, std::as_bytes(std::span(key_)))) {
    fail("writing");
  }
  append(pieces);
}

void ResultJournal::append(std::span<const JournaledPiece> pieces) {
  Bytes records;
  for (const JournaledPiece& piece : pieces) {
    RecordHead head{piece.body_bytes, piece.end_bytes, static_cast<std::uint32_t>(piece.index.size()), 0};
    head.checksum = checksum_of(head, piece.index);
    const auto head_bytes = std::as_bytes(std::span(&head, 1));
    records.insert(records.end(), head_bytes.begin(), head_bytes.end());
    records.insert(records.end(), piece.index.begin(), piece.index.end());
  }
  if (!pwrite_all(file_.get(), size_, records) || ::fdatasync(file_.get()) != 0) {
    fail("writing");
  }
  size_ += std::ssize(records);
}

void ResultJournal::remove() {
  std::error_code ignored;  // there may be none
  std::filesystem::remove(path_, ignored);
}

}  // namespace tessera
