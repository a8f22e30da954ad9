// SPDX-License-Identifier: Apache-2.0
// tessera explain: what a pipeline will do and cost, before anything runs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/printable.hpp"
#include "codec/writer.hpp"
#include "command.hpp"
#include "limit_options.hpp"
#include "output_flags.hpp"
#include "plan/plan.hpp"
#include "process/process.hpp"
#include "text.hpp"
#include "user_presets.hpp"

namespace tessera::cli {
namespace {

struct ExplainOptions {
  std::string pipeline;
  std::string input;
  std::string size = "4000x3000";
  std::string pixel_format = "rgb8";
  std::string presets;
  int ranks = 1;
  int threads = 0;
  std::optional<FileFormat> format;
  OutputOptions picture;  ///< page and overview of the input
  bool json = false;
  WorkLimits limits;
};

struct Subject {
  ImageInfo image;
  bool random_access = true;
  bool can_rewind = true;
  std::int64_t cache_bytes = 0;
};

Subject subject_of(const ExplainOptions& options) {
  if (options.input.empty()) {
    if (options.picture.page > 0 || options.picture.overview > 0) {
      throw Error(ErrorCode::usage,
                  "--page and --overview choose a picture of an image: name one after the pipeline.");
    }
    return {
        {parse_extent("--size", options.size), parse_pixel_format("--pixel-format", options.pixel_format)}};
  }
  const ImageInput input = ImageInput::file(options.input);
  const auto source = open_image(
      input, {.limits = options.limits, .page = options.picture.page, .overview = options.picture.overview});
  return {source->info(), source->random_access(), source->can_rewind(), cache_bytes(input)};
}

Json link_json(const ChainLink& link) {
  return {{"operator", link.name},
          {"halo", Json::array({link.halo.left, link.halo.top, link.halo.right, link.halo.bottom})},
          {"width", link.out.extent.width},
          {"height", link.out.extent.height},
          {"format", link.out.format.describe()}};
}

void print_json(const PipelineSteps& pipeline, const Plan& plan, const Estimate& cost, int ranks,
                int threads) {
  Json stages = Json::array();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const StageEstimate& part = cost.stages.at(i);
    Json chain = Json::array();
    for (const ChainLink& link : stage.chain) {
      chain.push_back(link_json(link));
    }
    stages.push_back(
        {{"chain", std::move(chain)},
         {"ends_with", stage.end_name},
         {"halo", Json::array({part.halo.left, part.halo.top, part.halo.right, part.halo.bottom})},
         {"strip_rows", part.strip_rows},
         {"exchanged_bytes", part.exchanged_bytes},
         {"reduced_bytes", part.reduced_bytes},
         {"memory_bytes", part.memory_bytes},
         {"streams", part.streams},
         {"runs_again", part.runs_again}});
  }
  const Json report{{"pipeline", to_json(pipeline)},
                    {"ranks", ranks},
                    {"threads", threads},
                    {"input", info_text(plan.in)},
                    {"output", info_text(plan.out)},
                    {"stages", std::move(stages)},
                    {"memory_bytes_per_rank", cost.memory_bytes}};
  fmt::print("{}\n", report.dump(2));
}

void print_human(const PipelineSteps& pipeline, const Plan& plan, const Estimate& cost, int ranks,
                 int threads) {
  fmt::print("{}\n{} -> {}, on {} rank{} with {} thread{} each\n", printable(to_text(pipeline)),
             info_text(plan.in), info_text(plan.out), ranks, ranks == 1 ? "" : "s", threads,
             threads == 1 ? "" : "s");
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const StageEstimate& part = cost.stages.at(i);
    if (part.operators.empty()) {
      fmt::print("\nStage {} of {}: the result is encoded, strips of {} rows\n", i + 1, plan.stages.size(),
                 part.strip_rows);
    } else {
      fmt::print("\nStage {} of {}: strips of {} rows, each through the whole chain\n", i + 1,
                 plan.stages.size(), part.strip_rows);
    }
    for (const ChainLink& link : stage.chain) {
      fmt::print("  {:<24} {:<28}{}\n", link.name, info_text(link.out),
                 link.halo.none() ? "" : "  halo " + halo_text(link.halo));
    }
    if (stage.statistic) {
      fmt::print("  {:<24} counts over the whole image; {} from each rank are merged\n", stage.end_name,
                 bytes_text(part.reduced_bytes));
    } else if (stage.whole_frame) {
      fmt::print("  {:<24} looks at the whole image at once\n", stage.end_name);
    }
    if (ranks > 1) {
      fmt::print("  halo of the stage: {}; ranks exchange {}\n", halo_text(part.halo),
                 bytes_text(part.exchanged_bytes));
    } else {
      fmt::print("  halo of the stage: {}\n", halo_text(part.halo));
    }
    fmt::print("  memory of a rank: {}{}\n", bytes_text(part.memory_bytes),
               part.streams ? ", whatever the height (rows stream through)" : "");
    if (part.runs_again) {
      fmt::print("  its pixels are too many to hold: they are made once more for the next stage\n");
    }
  }
  fmt::print("\nA rank needs at most {}.\n", bytes_text(cost.memory_bytes));
}

/// Of the result as 'apply' would write it.
std::int64_t piece_rows(const ImageInfo& result, const ExplainOptions& options) {
  WriteOptions write;
  write.format = *format_from_extension(result_extension(options.input, {.format = options.format}),
                                        FormatKinds::files_and_folders);
  return make_encoder(result, write)->piece_rows();
}

int run_explain(const ExplainOptions& options) {
  const PipelineSteps pipeline = UserPresets(options.presets).parse(options.pipeline);
  const Subject subject = subject_of(options);
  const Plan plan =
      make_plan(build_pipeline(pipeline, image_loader({})), subject.image, plan_limits(options.limits));
  const int threads = options.threads > 0 ? options.threads : cores_for_each_of(options.ranks);
  const Estimate cost = estimate(plan, {.ranks = options.ranks,
                                        .threads = threads,
                                        .random_access_source = subject.random_access,
                                        .source_can_rewind = subject.can_rewind,
                                        .source_cache_bytes = subject.cache_bytes,
                                        .piece_rows = piece_rows(plan.out, options)});
  (options.json ? print_json : print_human)(pipeline, plan, cost, options.ranks, threads);
  return 0;
}

}  // namespace

Command add_explain(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("explain", "Show what a pipeline will do and cost, without running it");
  auto options = std::make_shared<ExplainOptions>();
  app->add_option("PIPELINE", options->pipeline, "Operators, as for 'apply'")->required();
  CLI::Option* input =
      app->add_option("IN", options->input, "Image to explain it for; only its header is read");
  app->add_option("--size", options->size, "Size of the image, when there is no IN")
      ->excludes(input)
      ->capture_default_str();
  app->add_option("--pixel-format", options->pixel_format,
                  "gray8, rgb8, rgba8, gray16, rgb16, ... when there is no IN")
      ->excludes(input)
      ->capture_default_str();
  app->add_option("--ranks", options->ranks, "MPI ranks")->check(CLI::Range(1, 4096))->capture_default_str();
  app->add_option("--threads", options->threads, "Threads of each rank; 0: cores divided by ranks")
      ->check(CLI::Range(0, 1024));
  add_format_option(*app, options->format, FormatKinds::files_and_folders,
                    "Format of the result (default: that of IN, or png): how much is encoded at a time");
  add_picture_options(*app, options->picture);
  app->add_option("--presets", options->presets, "File of named pipelines")->type_name("FILE");
  app->add_flag("--json", options->json, "The same as JSON");
  add_limit_options(*app, options->limits, LimitSources::flags);
  return {app, [options] { return run_explain(*options); }};
}

}  // namespace tessera::cli
