// SPDX-License-Identifier: Apache-2.0
#include "engine/part_route.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <span>

#include "base/error.hpp"
#include "base/json.hpp"
#include "comm/text.hpp"

namespace tessera {
namespace {

/// Parts on their way to the store from one rank, besides the one that is being filled.
constexpr std::size_t max_uploads = 2;

/// Runs `work` unless something has failed, and keeps what it throws: the others are waiting for this rank.
template <class Work>
void guarded(std::exception_ptr& failure, const Work& work) {
  if (failure) {
    return;
  }
  try {
    work();
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace

PartRoute::Range PartRoute::range_of(int rank, const std::vector<std::int64_t>& ends) const {
  return {rank == 0 ? panel_begin_ : ends[static_cast<std::size_t>(rank - 1)],
          ends[static_cast<std::size_t>(rank)]};
}

int PartRoute::owner_of(std::int64_t part, const std::vector<std::int64_t>& ends) const {
  const std::int64_t begin = begin_of_part(part);
  if (begin < panel_begin_) {
    return open_owner_;
  }
  return static_cast<int>(std::ranges::upper_bound(ends, begin) - ends.begin());
}

PartRoute::Range PartRoute::rest_of_part(int rank, const std::vector<std::int64_t>& ends) const {
  const Range range = range_of(rank, ends);
  const std::int64_t part = part_at(range.begin);
  if (begin_of_part(part) == range.begin) {
    return {range.begin, range.begin};
  }
  return {range.begin, std::min(range.end, begin_of_part(part + 1))};
}

Bytes PartRoute::bytes_of(const Range& range, const std::vector<EncodedPiece>& mine) const {
  Bytes bytes(static_cast<std::size_t>(range.end - range.begin));
  if (comm_.root()) {
    parts_.read_local(range.begin, bytes);
    return bytes;
  }
  std::int64_t at = mine_begin_;
  for (const EncodedPiece& piece : mine) {
    const std::int64_t from = std::max(at, range.begin);
    const std::int64_t to = std::min(at + std::ssize(piece.body), range.end);
    if (from < to) {
      std::copy(piece.body.begin() + (from - at), piece.body.begin() + (to - at),
                bytes.begin() + (from - range.begin));
    }
    at += std::ssize(piece.body);
  }
  return bytes;
}

std::vector<std::string> PartRoute::share_links(const std::vector<std::int64_t>& ends,
                                                std::exception_ptr& failure) {
  std::vector<std::string> mine;
  if (panel_begin_ == 0 && comm_.root()) {
    mine.emplace_back();  // of part 0, which needs no link: the root uploads it at the end
  }
  const std::int64_t first = panel_begin_ == 0 ? 1 : part_at(panel_begin_ - 1) + 1;
  const std::int64_t last = part_at(ends.back() - 1);
  if (last < first) {
    return mine;  // no other part begins in this panel
  }
  Json links = Json::array();
  guarded(failure, [&] {
    if (comm_.root()) {
      links = parts_.links(first, last - first + 1);
    }
  });
  links = Json::parse(to_text(broadcast_bytes(comm_, to_bytes(links.dump()), 0)));
  for (std::int64_t part = first; part <= last; ++part) {
    if (owner_of(part, ends) == comm_.rank()) {
      // None if the root has failed, which ends the run.
      mine.push_back(links.empty() ? std::string()
                                   : links.at(static_cast<std::size_t>(part - first)).get<std::string>());
    }
  }
  return mine;
}

void PartRoute::distribute(const std::vector<std::int64_t>& ends, const std::vector<EncodedPiece>& mine) {
  mine_begin_ = range_of(comm_.rank(), ends).begin;
  if (ends.back() == panel_begin_) {
    return;
  }
  std::exception_ptr failure;
  const std::vector<std::string> links = share_links(ends, failure);
  std::vector<Bytes> outgoing(static_cast<std::size_t>(comm_.size()));
  guarded(failure, [&] {
    const Range rest = rest_of_part(comm_.rank(), ends);
    if (rest.begin < rest.end) {
      outgoing[static_cast<std::size_t>(owner_of(part_at(rest.begin), ends))] = bytes_of(rest, mine);
    }
  });
  const std::vector<Bytes> incoming = all_to_all_bytes(comm_, std::move(outgoing));
  guarded(failure, [&] {
    for (int rank = 0; rank < comm_.size(); ++rank) {
      const Range rest = rest_of_part(rank, ends);
      if (rest.begin < rest.end && owner_of(part_at(rest.begin), ends) == comm_.rank()) {
        add_to_open_part(rest, incoming[static_cast<std::size_t>(rank)]);
      }
      if (rank == comm_.rank()) {
        begin_own_parts(ends, mine, links);
      }
    }
  });
  const std::int64_t last = part_at(ends.back() - 1);
  open_owner_ = owner_of(last, ends);
  panel_begin_ = ends.back();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void PartRoute::begin_own_parts(const std::vector<std::int64_t>& ends, const std::vector<EncodedPiece>& mine,
                                const std::vector<std::string>& links) {
  const Range range = range_of(comm_.rank(), ends);
  std::int64_t part = part_at(range.begin);
  part += begin_of_part(part) < range.begin ? 1 : 0;
  for (std::size_t i = 0; begin_of_part(part) < range.end; ++part, ++i) {
    open_ = OpenPart{part, 0, links.at(i), {}};
    const Range here{begin_of_part(part), std::min(range.end, begin_of_part(part + 1))};
    if (comm_.root()) {
      open_->filled = here.end - here.begin;
      upload_if_complete();
    } else {
      add_to_open_part(here, bytes_of(here, mine));
    }
  }
}

void PartRoute::add_to_open_part(const Range& range, std::span<const std::byte> bytes) {
  if (!open_ || range.begin != begin_of_part(open_->number) + open_->filled ||
      std::ssize(bytes) != range.end - range.begin) {
    throw Error(ErrorCode::internal, "The parts of the result do not fit together.");
  }
  if (comm_.root()) {
    parts_.write_local(range.begin, bytes);
  } else {
    open_->bytes.insert(open_->bytes.end(), bytes.begin(), bytes.end());
  }
  open_->filled += std::ssize(bytes);
  upload_if_complete();
}

void PartRoute::upload_if_complete() {
  const Range whole{begin_of_part(open_->number), begin_of_part(open_->number + 1)};
  if (open_->filled < whole.end - whole.begin) {
    return;
  }
  OpenPart part = *std::exchange(open_, std::nullopt);
  if (part.number == 0) {
    return;  // the root uploads it at the end
  }
  if (comm_.root()) {
    part.bytes = bytes_of(whole, {});
  }
  wait_for_uploads(max_uploads - 1);
  uploads_.push_back({part.number, std::async(std::launch::async, [this, own = std::move(part)] {
                        return parts_.upload(own.link, own.bytes);
                      })});
}

void PartRoute::wait_for_uploads(std::size_t left) {
  while (uploads_.size() > left) {
    Upload upload = std::move(uploads_.front());
    uploads_.pop_front();
    uploaded_.emplace_back(upload.number, upload.tag.get());
  }
}

void PartRoute::complete() {
  std::exception_ptr failure;
  guarded(failure, [&] { wait_for_uploads(0); });
  std::vector<Bytes> rests(static_cast<std::size_t>(comm_.size()));
  std::vector<Bytes> tags(static_cast<std::size_t>(comm_.size()));
  guarded(failure, [&] {
    if (open_ && !comm_.root()) {
      rests[0] = std::move(open_->bytes);
    }
    tags[0] = to_bytes(Json(uploaded_).dump());
  });
  rests = all_to_all_bytes(comm_, std::move(rests));
  tags = all_to_all_bytes(comm_, std::move(tags));
  guarded(failure, [&] {
    if (!comm_.root()) {
      return;
    }
    for (const Bytes& rest : rests) {
      if (!rest.empty()) {
        parts_.write_local(panel_begin_ - std::ssize(rest), rest);
      }
    }
    for (const Bytes& of_rank : tags) {
      const Json list = of_rank.empty() ? Json::array() : Json::parse(to_text(of_rank));
      for (const Json& entry : list) {
        parts_.add_uploaded(entry.at(0), entry.at(1));
      }
    }
  });
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace tessera
