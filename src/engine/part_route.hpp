// SPDX-License-Identifier: Apache-2.0
// How the parts of a result that is uploaded come together: a part belongs to the rank that made its first byte;
// ranks that made other bytes of it send them there.
#pragma once

#include <deque>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "image/shared_parts.hpp"
#include "image/sink.hpp"

namespace tessera {

/// Of one result, for the whole run. All members are collective, and none leaves another rank waiting if it throws.
class PartRoute {
 public:
  /// Both must outlive it.
  PartRoute(SharedParts& parts, Communicator& comm) : parts_(parts), comm_(comm) {}

  /// At the end of a panel: `ends[r]` is where the bytes of rank r end in the result, which begin where those of
  /// rank r-1 end; the first where the panel before ended. `mine` are this rank's bytes; the root's are in its file.
  /// Complete parts are uploaded in the background. Throws what uploading an earlier part threw.
  void distribute(const std::vector<std::int64_t>& ends, const std::vector<EncodedPiece>& mine);
  /// After the last panel: waits for the uploads, and gives the root what is in no complete part.
  void complete();

 private:
  /// A part of which the first bytes are here. On the root they are in its file.
  struct OpenPart {
    std::int64_t number = 0;
    std::int64_t filled = 0;
    std::string link;
    Bytes bytes;
  };
  struct Upload {
    std::int64_t number = 0;
    std::future<std::string> tag;
  };
  struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  [[nodiscard]] Range range_of(int rank, const std::vector<std::int64_t>& ends) const;
  /// The rank that made the first byte of the part; of earlier panels only of the one that is open.
  [[nodiscard]] int owner_of(std::int64_t part, const std::vector<std::int64_t>& ends) const;
  /// What `rank` made of a part that began before its own bytes: nothing if that is empty.
  [[nodiscard]] Range rest_of_part(int rank, const std::vector<std::int64_t>& ends) const;
  [[nodiscard]] std::vector<std::string> share_links(const std::vector<std::int64_t>& ends,
                                                     std::exception_ptr& failure);
  void begin_own_parts(const std::vector<std::int64_t>& ends, const std::vector<EncodedPiece>& mine,
                       const std::vector<std::string>& links);
  void add_to_open_part(const Range& range, std::span<const std::byte> bytes);
  void upload_if_complete();
  void wait_for_uploads(std::size_t left);
  [[nodiscard]] Bytes bytes_of(const Range& range, const std::vector<EncodedPiece>& mine) const;

  SharedParts& parts_;
  Communicator& comm_;
  std::int64_t panel_begin_ = 0;
  std::int64_t mine_begin_ = 0;  ///< of this rank in the current panel
  int open_owner_ = 0;           ///< of the part that holds panel_begin_, if that is not where it begins
  std::optional<OpenPart> open_;
  std::deque<Upload> uploads_;
  std::vector<std::pair<std::int64_t, std::string>> uploaded_;
};

}  // namespace tessera
