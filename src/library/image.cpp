// SPDX-License-Identifier: Apache-2.0
#include "tessera/image.hpp"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <span>

#include "base/machine.hpp"
#include "engine/region.hpp"
#include "library/convert.hpp"
#include "library/steps.hpp"
#include "process/host_share.hpp"
#include "process/process.hpp"
#include "process/reduced_loading.hpp"
#include "process/shared_source.hpp"

namespace tessera {

namespace {

/// What an image is opened from, shared by all that is made of it.
struct Origin {
  std::optional<ImageInput> file = {};                       ///< if it is one, or an object
  std::shared_ptr<const std::vector<std::byte>> bytes = {};  ///< if it is encoded, in memory
  std::optional<InputPixels> pixels = {};
  std::shared_ptr<const void> keep = {};  ///< what keeps the pixels alive
  std::string name;
  ProcessOptions options;
  ImageInfo info;

  [[nodiscard]] ImageInput input() const {
    if (pixels) {
      return {*pixels, name};
    }
    if (bytes) {
      return {InputBytes{*bytes}, name};
    }
    return *file;
  }
};

ProcessOptions options_from(const OpenOptions& open) {
  Json limits = Json::object();
  for (const auto& [name, value] : open.limits) {
    limits[name] = value;
  }
  ProcessOptions options;
  options.limits = limits_from_json(limits);
  options.output.salvage = open.salvage;
  options.output.page = open.page;
  options.output.overview = open.overview;
  return options;
}

OutputOptions output_options(const SaveOptions& save, const OutputOptions& defaults) {
  Json json = Json::object();
  for (const auto& [name, text] : {std::pair{"format", &save.format}, std::pair{"strip", &save.strip},
                                   std::pair{"compression", &save.compression}}) {
    if (!text->empty()) {
      json[name] = *text;
    }
  }
  for (const auto& [name, number] :
       {std::pair{"quality", save.quality}, std::pair{"level", save.level}, std::pair{"tile", save.tile}}) {
    if (number != 0) {
      json[name] = number;
    }
  }
  json["bigtiff"] = save.bigtiff;
  json["pyramid"] = save.pyramid;
  OutputOptions options = output_options_from_json(json, "SaveOptions");
  options.salvage = defaults.salvage;
  options.page = defaults.page;
  options.overview = defaults.overview;
  return options;
}

/// The ranks of one call, and what each of them may use.
class Group {
 public:
  explicit Group(const RunSettings& settings)
      : own_(settings.communicator ? nullptr : make_solo()),
        comm_(settings.communicator ? *settings.communicator : *own_),
        host_(share_of_host(comm_, settings.threads)),
        settings_(settings) {}
  [[nodiscard]] ProcessContext context() const {
    return {comm_, host_.threads, host_.ranks, settings_.progress, settings_.stop};
  }
  [[nodiscard]] Communicator& comm() const { return comm_; }

 private:
  std::unique_ptr<Communicator> own_;
  Communicator& comm_;
  HostShare host_;
  const RunSettings& settings_;
};

Report report_of(const ProcessReport& done) {
  return {done.in, done.out, done.output_bytes, done.seconds, done.run.findings, done.run.warnings};
}

}  // namespace

struct Image::State {
  std::shared_ptr<const Origin> origin;
  Pipeline pipeline;
  Plan plan;
  mutable std::mutex mutex;
  mutable std::optional<Tile> whole;  ///< guarded by mutex: the result where parts of it need all of it

  State(std::shared_ptr<const Origin> from, Pipeline operators)
      : origin(std::move(from)),
        pipeline(std::move(operators)),
        plan(make_plan(this->operators(*make_solo()), origin->info, plan_limits(origin->options.limits))) {}

  /// An encoded image whose header has been read.
  [[nodiscard]] static std::shared_ptr<const State> opened(std::shared_ptr<Origin> origin) {
    origin->info = open_image(origin->input(), read_options(origin->options))->info();
    return std::make_shared<const State>(std::move(origin), Pipeline());
  }
  [[nodiscard]] std::vector<Operator> operators(Communicator& comm) const {
    return build_pipeline(pipeline.steps().steps, shared_image_loader(comm, read_options(origin->options)));
  }
  ProcessReport process(const ImageOutput& output, const OutputOptions& options,
                        const RunSettings& settings) const {
    const Group group(settings);
    ProcessOptions all = origin->options;
    all.output = options;
    return process_image(origin->input(), output, operators(group.comm()), all, group.context());
  }
  [[nodiscard]] Tile whole_result(const RunSettings& settings) const {
    const std::lock_guard lock(mutex);
    if (!whole) {
      Tile result;
      RunSettings alone = settings;
      alone.communicator = nullptr;
      process({OutputPixels{&result}}, origin->options.output, alone);
      whole = std::move(result);
    }
    return *whole;
  }
};

Image::Image(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Image Image::open(const std::filesystem::path& file, const OpenOptions& options) {
  auto origin = std::make_shared<Origin>();
  origin->options = options_from(options);
  origin->file = ImageInput::file(file.string());
  origin->name = origin->file->name;
  if (!can_open_again(origin->input())) {
    // What is read from a pipe is gone: it is kept for every call that needs it.
    const Bytes read = read_all(origin->name, origin->options.limits.max_file_bytes);
    origin->bytes = std::make_shared<const std::vector<std::byte>>(read.begin(), read.end());
  }
  return Image(State::opened(std::move(origin)));
}

Image Image::from_bytes(std::vector<std::byte> bytes, const OpenOptions& options, const std::string& name) {
  auto origin = std::make_shared<Origin>();
  origin->options = options_from(options);
  origin->name = name;
  origin->bytes = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  return Image(State::opened(std::move(origin)));
}

Image Image::from_pixels(const Pixels& pixels, const OpenOptions& options) {
  if (pixels.data() == nullptr || pixels.info().extent.width <= 0 || pixels.info().extent.height <= 0) {
    throw Error(ErrorCode::usage, "An image needs pixels: its width or height is 0.");
  }
  auto origin = std::make_shared<Origin>();
  origin->options = options_from(options);
  origin->name = "the pixels";
  origin->pixels = InputPixels{tile_of(pixels)};
  origin->info = pixels.info();
  origin->keep = pixels.owner();
  return Image(std::make_shared<const State>(std::move(origin), Pipeline()));
}

const ImageInfo& Image::info() const { return state_->plan.out; }

const Pipeline& Image::pipeline() const { return state_->pipeline; }

Image Image::apply(const Pipeline& pipeline) const {
  return Image(std::make_shared<const State>(state_->origin, state_->pipeline.then(pipeline)));
}

Image Image::apply(std::string_view pipeline) const { return apply(Pipeline(pipeline)); }

Pixels Image::pixels(const RunSettings& settings, Report* report) const {
  Tile result;
  const ProcessReport done =
      state_->process({OutputPixels{&result}}, state_->origin->options.output, settings);
  if (report != nullptr) {
    *report = report_of(done);
  }
  return result.color.empty() ? Pixels() : pixels_of(result);
}

Pixels Image::pixels(const Rect& part, const RunSettings& settings) const {
  if (part.empty() || !Rect::whole(info().extent).contains(part)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("The part {}x{} at ({}, {}) does not lie inside the image, which is {}x{}.", part.width,
                    part.height, part.x, part.y, info().extent.width, info().extent.height));
  }
  if (!is_local(state_->plan)) {
    return pixels_of(state_->whole_result(settings).view(part));
  }
  const ProcessOptions& options = state_->origin->options;
  const auto source = open_image(state_->origin->input(), read_options(options));
  const int threads = settings.threads > 0 ? settings.threads : usable_cores();
  const Plan plan = options.output.salvage ? state_->plan
                                           : plan_for_loading(*source, state_->operators(*make_solo()),
                                                              plan_limits(options.limits));
  const Tile rows = run_rows(plan, part.rows(), *source, threads, settings.stop);
  return pixels_of(rows.view(part));
}

Report Image::save(const std::filesystem::path& file, const SaveOptions& options,
                   const RunSettings& settings) const {
  if (options.format.empty()) {
    refuse_folder_format(file.extension().string(), fmt::format("The format of '{}'", file.string()));
  }
  return report_of(state_->process(ImageOutput::file(file.string()),
                                   output_options(options, state_->origin->options.output), settings));
}

std::vector<std::byte> Image::encode(const SaveOptions& options, const RunSettings& settings,
                                     Report* report) const {
  Bytes bytes;
  const ProcessReport done = state_->process(
      {OutputBytes{&bytes}}, output_options(options, state_->origin->options.output), settings);
  if (report != nullptr) {
    *report = report_of(done);
  }
  return {bytes.begin(), bytes.end()};
}

Report Image::find(const RunSettings& settings) const {
  return report_of(state_->process({NoOutput{}}, state_->origin->options.output, settings));
}

}  // namespace tessera
