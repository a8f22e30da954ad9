// SPDX-License-Identifier: Apache-2.0
// Makes parts of images for viewers. A gateway starts it with a socket as its standard output, sends requests over
// that, and ends it by closing it. Images come from anybody, so it has few rights: see ranks/sandbox.hpp.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "codec/vips/vips.hpp"
#include "command.hpp"
#include "parent_socket.hpp"
#include "plan/pipeline.hpp"
#include "ranks/channel.hpp"
#include "ranks/messages.hpp"
#include "ranks/sandbox.hpp"
#include "viewing/viewed_image.hpp"

namespace tessera::cli {
namespace {

/// Images that stay open: as they are and processed, of the few viewers that one process serves.
constexpr std::size_t max_open_images = 8;
/// What of the memory may hold decoded rows.
constexpr std::int64_t cache_share = 2;

struct ViewWorkerSettings {
  std::string folder;
  std::string sandbox = "auto";
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  std::int64_t max_part_bytes = std::int64_t{64} << 20;
  int threads = 1;
};

/// Sanitizers reserve far more memory than they use.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool limits_memory = false;
#else
constexpr bool limits_memory = true;
#endif

void limit_resources(const ViewWorkerSettings& settings) {
  const auto memory = static_cast<rlim_t>(settings.memory_bytes);
  const rlimit data{memory, memory};
  if (limits_memory && ::setrlimit(RLIMIT_DATA, &data) != 0) {
    throw Error(ErrorCode::io, "The memory of this process cannot be limited.");
  }
  const auto file = static_cast<rlim_t>(settings.max_part_bytes);
  const rlimit written{file, file};
  if (::setrlimit(RLIMIT_FSIZE, &written) != 0) {
    throw Error(ErrorCode::io, "The files of this process cannot be limited.");
  }
}

class ViewWorker {
 public:
  ViewWorker(FileDescriptor socket, const ViewWorkerSettings& settings)
      : channel_(std::move(socket), RankChannel::Files::accepted),
        cache_(std::make_shared<RowCache>(settings.memory_bytes / cache_share)),
        threads_(settings.threads) {}

  int run() {
    while (const std::optional<std::string> line = channel_.receive()) {
      const ViewRequest request = view_request(*line);
      const FileDescriptor file = channel_.next_attached();
      const std::int64_t ticket = std::visit([](const auto& one) { return one.ticket; }, request);
      if (!channel_.send(to_line(reply(request, ticket, file)))) {
        break;
      }
    }
    return 0;
  }

 private:
  struct OpenImage {
    std::string key;
    ViewedImage image;
  };

  ViewReply reply(const ViewRequest& request, std::int64_t ticket, const FileDescriptor& file) {
    try {
      if (!file) {
        throw Error(ErrorCode::io, "No file came with the request.");
      }
      const auto* const image = std::get_if<ShowImage>(&request);
      return image != nullptr ? show(*image, file) : show(std::get<ShowPart>(request), file);
    } catch (const Error& error) {
      return failed(ticket, error.code(), error.what());
    } catch (const std::bad_alloc&) {
      open_.clear();
      return failed(ticket, ErrorCode::limit_exceeded,
                    "Memory ran out: ask for a smaller part, or use a pipeline that needs less.");
    }
  }

  static Failed failed(std::int64_t ticket, ErrorCode code, const std::string& sentence) {
    constexpr std::size_t max_failure_bytes = 4096;
    return {ticket, std::string(meaning(code).name), sentence.substr(0, max_failure_bytes)};
  }

  ViewReply show(const ShowImage& request, const FileDescriptor& file) {
    const std::string key = fmt::format("{} {}", request.key, request.pipeline.dump());
    const auto known = std::ranges::find(open_, key, &OpenImage::key);
    if (known != open_.end()) {
      open_.splice(open_.begin(), open_, known);
    } else {
      if (open_.size() == max_open_images) {
        open_.pop_back();
      }
      ViewLimits limits;
      limits.image = limits_from_json(request.limits);
      limits.max_read_pixels = request.max_read_pixels;
      limits.max_part_pixels = request.max_part_pixels;
      open_.push_front({key, ViewedImage(file.get(), request.name, pipeline_from_json(request.pipeline),
                                         limits, cache_, threads_)});
    }
    const ViewedImage& image = open_.front().image;
    return ImageShown{request.ticket, image.info().extent.width, image.info().extent.height,
                      static_cast<int>(image.level_extents().size())};
  }

  ViewReply show(const ShowPart& request, const FileDescriptor& file) {
    if (open_.empty()) {
      throw Error(ErrorCode::internal, "A part was asked for before its image.");
    }
    ViewPart part{{request.x, request.y, request.width, request.height},
                  {request.shown_width, request.shown_height}};
    part.mirrored = request.mirrored;
    part.quarter_turns = request.quarter_turns;
    const auto quality = view_quality_named(request.quality);
    if (!quality) {
      throw Error(ErrorCode::internal, fmt::format("There is no quality '{}'.", request.quality));
    }
    part.quality = *quality;
    const Bytes encoded = open_.front().image.encode(part, output_options_from_json(request.output));
    if (!pwrite_all(file.get(), 0, encoded)) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("The encoded part has {} bytes, more than are allowed: ask for a smaller part, or "
                      "for JPEG.",
                      encoded.size()));
    }
    return PartShown{request.ticket, static_cast<std::int64_t>(encoded.size())};
  }

  RankChannel channel_;
  std::shared_ptr<RowCache> cache_;
  int threads_;
  std::list<OpenImage> open_;  ///< used last in front
};

int work(const ViewWorkerSettings& settings) {
  const auto sandbox = sandbox_mode_named(settings.sandbox);
  if (!sandbox) {
    throw Error(ErrorCode::usage,
                fmt::format("--sandbox: '{}' is not auto, require or off.", settings.sandbox));
  }
  FileDescriptor socket = take_parent_socket("view-worker", "gateway");
  // Encoders write into a file that lies here.
  ::setenv("TMPDIR", settings.folder.c_str(), 1);
  limit_resources(settings);
  for (const std::string& missing : enter_sandbox({settings.folder, vips_module_places()}, *sandbox)) {
    fmt::print(stderr, "The sandbox lacks {}.\n", missing);
  }
  return ViewWorker(std::move(socket), settings).run();
}

}  // namespace

Command add_view_worker(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("view-worker", "Makes parts of images for 'tessera gateway', which starts it");
  app->group("");  // not for people
  auto settings = std::make_shared<ViewWorkerSettings>();
  app->add_option("--folder", settings->folder, "For encoders")->required();
  app->add_option("--sandbox", settings->sandbox, "auto, require or off");
  app->add_option("--memory", settings->memory_bytes, "Bytes of memory");
  app->add_option("--max-part-bytes", settings->max_part_bytes, "Bytes of an encoded part");
  app->add_option("--threads", settings->threads, "Threads");
  return {app, [settings] { return work(*settings); }};
}

}  // namespace tessera::cli
