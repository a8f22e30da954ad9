// SPDX-License-Identifier: Apache-2.0
// Messages between a node and its ranks, and between a gateway and the processes that make parts of images for
// viewers: JSON objects, one per line, over a stream socket. "message" holds
// the kind; the other members are exactly those declared below, under the same names.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "base/json.hpp"

namespace tessera {

/// A member of a message. `min` and `max` bound a number's value, a text's bytes and a list's length.
template <class Owner, class T>
struct MessageField {
  std::string_view name;
  T Owner::*member;
  double min = 0;
  double max = 9007199254740992.0;  ///< 2^53: larger whole numbers are not exact in JSON
};

inline constexpr double max_name_bytes = 1024;
inline constexpr double max_sentence_bytes = 16 * 1024;
inline constexpr double max_path_bytes = 4096;
inline constexpr double max_result_parts = 10'000;

// From a rank to its node.

/// The first message of a connection, and only the first. It must fit into `max_hello_bytes`.
struct Hello {
  int rank = 0;
  int ranks = 1;
  std::string location;  ///< "host:pid"
  pid_t pid = 0;
  std::string secret;
  /// Missing parts of the rank's sandbox, as text for a log; empty if it is complete.
  std::vector<std::string> unconfined;
  bool shares_files = false;  ///< can read the node's shared folder

  static constexpr std::string_view kind = "hello";
  static constexpr auto fields = std::tuple{
      MessageField{"rank", &Hello::rank, 0, 65535},
      MessageField{"ranks", &Hello::ranks, 1, 65536},
      MessageField{"location", &Hello::location, 1, max_name_bytes},
      // At least 2: the node may have to kill it, and smaller numbers address groups of processes.
      MessageField{"pid", &Hello::pid, 2, 4194304},
      MessageField{"secret", &Hello::secret, 1, max_name_bytes},
      MessageField{"unconfined", &Hello::unconfined, 0, 16},
      MessageField{"shares_files", &Hello::shares_files},
  };
};

/// Heartbeat, every second, also during work.
struct Alive {
  std::int64_t memory_bytes = 0;

  static constexpr std::string_view kind = "alive";
  static constexpr auto fields = std::tuple{MessageField{"memory_bytes", &Alive::memory_bytes}};
};

/// From the root rank of a task.
struct TaskProgress {
  std::int64_t ticket = 0;
  double fraction = 0;
  std::string stage;

  static constexpr std::string_view kind = "progress";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &TaskProgress::ticket, 1},
                                            MessageField{"fraction", &TaskProgress::fraction, 0, 1},
                                            MessageField{"stage", &TaskProgress::stage, 0, max_name_bytes}};
};

/// The root rank's report of a task's result.
struct Done {
  std::int64_t ticket = 0;
  std::int64_t width_px = 0;
  std::int64_t height_px = 0;
  double seconds = 0;
  int ranks = 1;                  ///< number of ranks that worked on it
  Json findings = Json::array();  ///< as 'tessera apply --json' reports them
  std::vector<std::string> warnings;
  /// Parts of the result (base/part_layout.hpp) that ranks have uploaded; they are holes in the result's file.
  std::vector<std::int64_t> uploaded_parts;

  static constexpr std::string_view kind = "done";
  static constexpr auto fields =
      std::tuple{MessageField{"ticket", &Done::ticket, 1},
                 MessageField{"width_px", &Done::width_px},
                 MessageField{"height_px", &Done::height_px},
                 MessageField{"seconds", &Done::seconds, 0, 1e9},
                 MessageField{"ranks", &Done::ranks, 1, 65536},
                 MessageField{"findings", &Done::findings, 0, 4096},
                 MessageField{"warnings", &Done::warnings, 0, 1000},
                 MessageField{"uploaded_parts", &Done::uploaded_parts, 0, max_result_parts}};
};

/// From the root rank of a task with ProcessTask::parts: it needs links to upload parts of the result. Parts are asked
/// for in order, and each once.
struct PartLinksWanted {
  std::int64_t ticket = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;

  static constexpr std::string_view kind = "part-links-wanted";
  static constexpr auto fields =
      std::tuple{MessageField{"ticket", &PartLinksWanted::ticket, 1},
                 MessageField{"first", &PartLinksWanted::first, 1, max_result_parts},
                 MessageField{"count", &PartLinksWanted::count, 1, max_result_parts}};
};

struct Failed {
  std::int64_t ticket = 0;
  std::string code;  ///< a name of the error table
  std::string sentence;

  static constexpr std::string_view kind = "failed";
  static constexpr auto fields =
      std::tuple{MessageField{"ticket", &Failed::ticket, 1}, MessageField{"code", &Failed::code, 1, 64},
                 MessageField{"sentence", &Failed::sentence, 0, max_sentence_bytes}};
};

// From a node to its ranks.

struct ProcessTask {
  std::int64_t ticket = 0;
  bool split = false;     ///< all ranks get the task and work on it together
  bool attached = false;  ///< the image is attached to the message as an open file
  std::string input;      ///< path of the image if it is not attached
  std::string output;     ///< path for the result; its extension names the format
  std::string name;       ///< of the image, for messages
  /// Not empty: the image is an object that is read in ranges, and an attached file holds its first bytes. A
  /// TransferGrant with its signature: see ranks/transfer.hpp.
  std::string grant;
  /// Parts of the result may be uploaded by ranks that cannot write into its file; see PartLinksWanted.
  bool parts = false;
  Json pipeline;
  Json output_options = Json::object();
  Json limits = Json::object();  ///< for reading images
  int threads = 0;               ///< 0: the cores of the rank's host divided by the ranks there

  static constexpr std::string_view kind = "process";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &ProcessTask::ticket, 1},
                                            MessageField{"split", &ProcessTask::split},
                                            MessageField{"attached", &ProcessTask::attached},
                                            MessageField{"input", &ProcessTask::input, 0, max_path_bytes},
                                            MessageField{"output", &ProcessTask::output, 1, max_path_bytes},
                                            MessageField{"name", &ProcessTask::name, 0, max_path_bytes},
                                            MessageField{"grant", &ProcessTask::grant, 0, 16384},
                                            MessageField{"parts", &ProcessTask::parts},
                                            MessageField{"pipeline", &ProcessTask::pipeline},
                                            MessageField{"output_options", &ProcessTask::output_options},
                                            MessageField{"limits", &ProcessTask::limits},
                                            MessageField{"threads", &ProcessTask::threads, 0, 65536}};
};

/// What a rank may read of a store in place of a file: the signed text of ProcessTask::grant is one of these.
struct TransferGrant {
  std::int64_t ticket = 0;
  std::string link;     ///< presigned, for GET
  std::string version;  ///< the object's entity tag; reading another version fails
  std::int64_t size_bytes = 0;

  static constexpr std::string_view kind = "transfer-grant";
  static constexpr auto fields = std::tuple{
      MessageField{"ticket", &TransferGrant::ticket, 1}, MessageField{"link", &TransferGrant::link, 1, 8192},
      MessageField{"version", &TransferGrant::version, 1, max_name_bytes},
      MessageField{"size_bytes", &TransferGrant::size_bytes}};
};

/// What a rank may upload to a store: each signed text of PartLinks::grants is one of these.
struct UploadGrant {
  std::int64_t ticket = 0;
  std::string link;  ///< presigned, for PUT
  std::int64_t size_bytes = 0;

  static constexpr std::string_view kind = "upload-grant";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &UploadGrant::ticket, 1},
                                            MessageField{"link", &UploadGrant::link, 1, 8192},
                                            MessageField{"size_bytes", &UploadGrant::size_bytes, 1}};
};

/// The answer to PartLinksWanted: a grant for each part, or the reason why there are none.
struct PartLinks {
  std::int64_t ticket = 0;
  std::vector<std::string> grants;
  std::string code;  ///< of a failure: a name of the error table
  std::string sentence;

  static constexpr std::string_view kind = "part-links";
  static constexpr auto fields =
      std::tuple{MessageField{"ticket", &PartLinks::ticket, 1},
                 MessageField{"grants", &PartLinks::grants, 0, max_result_parts},
                 MessageField{"code", &PartLinks::code, 0, 64},
                 MessageField{"sentence", &PartLinks::sentence, 0, max_sentence_bytes}};
};

struct Cancel {
  std::int64_t ticket = 0;

  static constexpr std::string_view kind = "cancel";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &Cancel::ticket, 1}};
};

/// The rank ends when its tasks are done.
struct End {
  static constexpr std::string_view kind = "end";
  static constexpr std::tuple<> fields{};
};

// From a gateway to a process that makes parts of images for viewers, over a Unix socket. One request at a time:
// ShowImage, which is answered by ImageShown, then perhaps ShowPart, which is answered by PartShown; or either by
// Failed.

/// The image of the messages that follow. It is attached as an open file.
struct ShowImage {
  std::int64_t ticket = 0;
  std::string key;   ///< stands for this version of the image; what is known of it need not be read again
  std::string name;  ///< for sentences
  Json pipeline = Json::array();
  Json limits = Json::object();  ///< WorkLimits
  std::int64_t max_read_pixels = 0;
  std::int64_t max_part_pixels = 0;

  static constexpr std::string_view kind = "show-image";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &ShowImage::ticket, 1},
                                            MessageField{"key", &ShowImage::key, 1, max_path_bytes},
                                            MessageField{"name", &ShowImage::name, 0, max_path_bytes},
                                            MessageField{"pipeline", &ShowImage::pipeline},
                                            MessageField{"limits", &ShowImage::limits},
                                            MessageField{"max_read_pixels", &ShowImage::max_read_pixels, 1},
                                            MessageField{"max_part_pixels", &ShowImage::max_part_pixels, 1}};
};

/// A part of it; see ViewPart. A file that gets the encoded bytes is attached.
struct ShowPart {
  std::int64_t ticket = 0;
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t shown_width = 0;
  std::int64_t shown_height = 0;
  bool mirrored = false;
  int quarter_turns = 0;
  std::string quality = "color";
  Json output = Json::object();  ///< OutputOptions

  static constexpr std::string_view kind = "show-part";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &ShowPart::ticket, 1},
                                            MessageField{"x", &ShowPart::x},
                                            MessageField{"y", &ShowPart::y},
                                            MessageField{"width", &ShowPart::width, 1},
                                            MessageField{"height", &ShowPart::height, 1},
                                            MessageField{"shown_width", &ShowPart::shown_width, 1},
                                            MessageField{"shown_height", &ShowPart::shown_height, 1},
                                            MessageField{"mirrored", &ShowPart::mirrored},
                                            MessageField{"quarter_turns", &ShowPart::quarter_turns, 0, 3},
                                            MessageField{"quality", &ShowPart::quality, 1, 16},
                                            MessageField{"output", &ShowPart::output}};
};

/// Of the processed picture.
struct ImageShown {
  std::int64_t ticket = 0;
  std::int64_t width_px = 0;
  std::int64_t height_px = 0;
  int levels = 0;  ///< smaller ones in the file

  static constexpr std::string_view kind = "image-shown";
  static constexpr auto fields = std::tuple{MessageField{"ticket", &ImageShown::ticket, 1},
                                            MessageField{"width_px", &ImageShown::width_px, 1},
                                            MessageField{"height_px", &ImageShown::height_px, 1},
                                            MessageField{"levels", &ImageShown::levels, 0, 64}};
};

struct PartShown {
  std::int64_t ticket = 0;
  std::int64_t bytes = 0;

  static constexpr std::string_view kind = "part-shown";
  static constexpr auto fields =
      std::tuple{MessageField{"ticket", &PartShown::ticket, 1}, MessageField{"bytes", &PartShown::bytes, 1}};
};

using ViewRequest = std::variant<ShowImage, ShowPart>;
using ViewReply = std::variant<ImageShown, PartShown, Failed>;

using RankMessage = std::variant<Hello, Alive, TaskProgress, PartLinksWanted, Done, Failed>;
using NodeMessage = std::variant<ProcessTask, PartLinks, Cancel, End>;

/// Limit for a connection's first message, while the peer is unauthenticated.
inline constexpr std::size_t max_hello_bytes = 4 * 1024;
/// Limit for any other message: pipelines and findings may be long.
inline constexpr std::size_t max_message_bytes = std::size_t{64} << 20;

/// The message as a line, including the line end.
[[nodiscard]] std::string to_line(const RankMessage& message);
[[nodiscard]] std::string to_line(const NodeMessage& message);
[[nodiscard]] std::string to_line(const ViewRequest& message);
[[nodiscard]] std::string to_line(const ViewReply& message);
[[nodiscard]] std::string to_line(const TransferGrant& message);
[[nodiscard]] std::string to_line(const UploadGrant& message);

/// Parses a line without its line end. Throws Error(rank_lost) with the reason: not JSON, an unknown kind, or
/// a member that is missing, unknown, of another type or out of bounds. Time and memory are bounded by the
/// line's length.
[[nodiscard]] RankMessage rank_message(std::string_view line);
[[nodiscard]] NodeMessage node_message(std::string_view line);
[[nodiscard]] ViewRequest view_request(std::string_view line);
[[nodiscard]] ViewReply view_reply(std::string_view line);
[[nodiscard]] TransferGrant transfer_grant(std::string_view line);
[[nodiscard]] UploadGrant upload_grant(std::string_view line);

}  // namespace tessera
