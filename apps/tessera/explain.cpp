// SPDX-License-Identifier: Apache-2.0
// tessera explain: what a pipeline will do and cost, before anything runs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/printable.hpp"
#include "codec/writer.hpp"
#include "command.hpp"
#include "engine/forecast.hpp"
#include "limit_options.hpp"
#include "output_flags.hpp"
#include "plan/plan.hpp"
#include "process/process.hpp"
#include "process/reduced_loading.hpp"
#include "process/sample_run.hpp"
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
  bool no_shared_files = false;
  bool no_sample = false;
  bool json = false;
  WorkLimits limits;
};

/// What MPI takes in each process: its libraries, and the memory that ranks of a host share.
constexpr std::int64_t mpi_bytes = std::int64_t{9} << 20;

struct Subject {
  Plan plan;
  bool random_access = true;
  bool can_rewind = true;
  std::int64_t cache_bytes = 0;
  std::int64_t working_bytes = 0;
};

ReadOptions read_options(const ExplainOptions& options) {
  return {.limits = options.limits, .page = options.picture.page, .overview = options.picture.overview};
}

Subject subject_of(const ExplainOptions& options, const std::vector<Operator>& operators) {
  const PlanLimits limits = plan_limits(options.limits);
  if (options.input.empty()) {
    if (options.picture.page > 0 || options.picture.overview > 0) {
      throw Error(ErrorCode::usage,
                  "--page and --overview choose a picture of an image: name one after the pipeline.");
    }
    const ImageInfo image{parse_extent("--size", options.size),
                          parse_pixel_format("--pixel-format", options.pixel_format)};
    return {make_plan(operators, image, limits)};
  }
  const ImageInput input = ImageInput::file(options.input);
  const auto source = open_image(input, read_options(options));
  Plan plan = plan_for_loading(*source, operators, limits);
  return {std::move(plan), source->random_access(), source->can_rewind(), cache_bytes(input),
          source->working_bytes()};
}

/// How a result is encoded, and what is known of its size.
struct Encoding {
  FileFormat format;
  std::int64_t piece_rows = 0;
  EncodingCost cost;
  bool every_rank_writes = true;
  double ratio = 0;  ///< its bytes for each byte of its pixels
  bool sampled = false;
};

/// Of photographs.
double usual_ratio(FileFormat format) {
  constexpr double lossless = 0.75;
  constexpr double lossy = 0.1;
  return format_info(format).lossy ? lossy : lossless;
}

/// Of the result as 'apply' would write it.
Encoding encoding_of(const ImageInfo& result, const ExplainOptions& options) {
  WriteOptions write;
  write.format = *format_from_extension(result_extension(options.input, {.format = options.format}),
                                        FormatKinds::files_and_folders);
  const std::unique_ptr<FileSink> sink = make_encoder(result, write);
  return {write.format, sink->piece_rows(), sink->encoding_cost(),
          !options.no_shared_files && sink->shared() != nullptr, usual_ratio(write.format)};
}

/// Works on a part of a file; of objects elsewhere no more than the header is fetched.
void take_sample(Encoding& encoding, const std::vector<Operator>& operators, const ExplainOptions& options) {
  if (options.no_sample || options.input.empty()) {
    return;
  }
  const ImageInput input = ImageInput::file(options.input);
  if (!std::holds_alternative<InputFile>(input.from) || !can_open_again(input)) {
    return;
  }
  ProcessOptions process{.output = {.format = encoding.format}, .limits = options.limits};
  const auto source = open_image(input, read_options(options));
  if (const auto ratio = sample_encoded_ratio(*source, operators, process)) {
    encoding.ratio = *ratio;
    encoding.sampled = true;
  }
}

struct Explained {
  const PipelineSteps& pipeline;
  const Plan& plan;
  const Estimate& most;
  const std::vector<RankForecast>& likely;
  const Encoding& encoding;
  int threads = 1;  ///< of each rank

  [[nodiscard]] int ranks() const { return static_cast<int>(likely.size()); }
  [[nodiscard]] std::int64_t result_bytes() const {
    return static_cast<std::int64_t>(encoding.ratio * static_cast<double>(plan.out.bytes()));
  }
  /// The highest of any rank.
  [[nodiscard]] std::int64_t highest(std::int64_t RankForecast::*of) const {
    return std::ranges::max(likely, {}, of).*of;
  }
};

Json link_json(const ChainLink& link) {
  return {{"operator", link.name},
          {"halo", Json::array({link.halo.left, link.halo.top, link.halo.right, link.halo.bottom})},
          {"width", link.out.extent.width},
          {"height", link.out.extent.height},
          {"format", link.out.format.describe()}};
}

Json likely_json(const Explained& explained) {
  Json ranks = Json::array();
  for (const RankForecast& rank : explained.likely) {
    ranks.push_back({{"memory_bytes", rank.memory_bytes},
                     {"sent_bytes", rank.sent_bytes},
                     {"received_bytes", rank.received_bytes}});
  }
  return {{"memory_bytes_per_rank", explained.highest(&RankForecast::memory_bytes)},
          {"result_bytes", explained.result_bytes()},
          {"result_bytes_from", explained.encoding.sampled ? "sample" : "photographs"},
          {"ranks", std::move(ranks)}};
}

void print_json(const Explained& explained) {
  const Plan& plan = explained.plan;
  const Estimate& cost = explained.most;
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
  const Json report{{"pipeline", to_json(explained.pipeline)},
                    {"ranks", explained.ranks()},
                    {"threads", explained.threads},
                    {"input", info_text(plan.in)},
                    {"output", info_text(plan.out)},
                    {"stages", std::move(stages)},
                    {"memory_bytes_per_rank", cost.memory_bytes},
                    {"likely", likely_json(explained)}};
  fmt::print("{}\n", report.dump(2));
}

void print_likely(const Explained& explained) {
  fmt::print("\nA rank needs at most {} of memory, and probably {}.\n",
             bytes_text(explained.most.memory_bytes),
             bytes_text(explained.highest(&RankForecast::memory_bytes)));
  if (explained.ranks() > 1) {
    fmt::print("Probably no rank sends more than {}, and none receives more than {}.\n",
               bytes_text(explained.highest(&RankForecast::sent_bytes)),
               bytes_text(explained.highest(&RankForecast::received_bytes)));
  }
  fmt::print("The result will have about {}, {}.\n", bytes_text(explained.result_bytes()),
             explained.encoding.sampled ? "by a part that was made" : "if it is like most photographs");
}

void print_human(const Explained& explained) {
  const Plan& plan = explained.plan;
  const Estimate& cost = explained.most;
  const int ranks = explained.ranks();
  const int threads = explained.threads;
  fmt::print("{}\n{} -> {}, on {} rank{} with {} thread{} each\n", printable(to_text(explained.pipeline)),
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
    fmt::print("  memory of a rank: at most {}{}\n", bytes_text(part.memory_bytes),
               part.streams ? ", whatever the height (rows stream through)" : "");
    if (part.runs_again) {
      fmt::print("  its pixels are too many to hold: they are made once more for the next stage\n");
    }
  }
  print_likely(explained);
}

int run_explain(const ExplainOptions& options) {
  const PipelineSteps pipeline = UserPresets(options.presets).parse(options.pipeline);
  const std::vector<Operator> operators = build_pipeline(pipeline, image_loader({}));
  const Subject subject = subject_of(options, operators);
  const int threads = options.threads > 0 ? options.threads : cores_for_each_of(options.ranks);
  Encoding encoding = encoding_of(subject.plan.out, options);
  const bool every_rank_reads = subject.random_access && !options.no_shared_files;
  const Estimate most = estimate(subject.plan, {.ranks = options.ranks,
                                                .threads = threads,
                                                .random_access_source = every_rank_reads,
                                                .source_can_rewind = subject.can_rewind,
                                                .piece_rows = encoding.piece_rows});
  // Before a part is worked on. This is the program that will do it, with the image's header read.
  const std::int64_t at_rest = resident_memory().peak + (options.ranks > 1 ? mpi_bytes : 0);
  take_sample(encoding, operators, options);
  const std::vector<RankForecast> likely =
      forecast(subject.plan, {.ranks = options.ranks,
                              .threads = threads,
                              .every_rank_reads = every_rank_reads,
                              .source_can_rewind = subject.can_rewind,
                              .source_bytes = subject.working_bytes,
                              .piece_rows = encoding.piece_rows,
                              .encoding = encoding.cost,
                              .every_rank_writes = encoding.every_rank_writes,
                              .encoded_ratio = encoding.ratio,
                              .at_rest_bytes = at_rest});
  const Explained explained{pipeline, subject.plan, most, likely, encoding, threads};
  (options.json ? print_json : print_human)(explained);
  return 0;
}

}  // namespace

Command add_explain(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("explain", "Show what a pipeline will do and cost, without running it");
  auto options = std::make_shared<ExplainOptions>();
  app->add_option("PIPELINE", options->pipeline, "Operators, as for 'apply'")->required();
  CLI::Option* input =
      app->add_option("IN", options->input,
                      "Image to explain it for; of a file a small part is worked on, to see how "
                      "well the result compresses");
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
  app->add_flag("--no-shared-files", options->no_shared_files,
                "Ranks are on hosts without a common folder: the first reads and writes for all");
  app->add_flag("--no-sample", options->no_sample, "Read no more than the header of IN");
  app->add_flag("--json", options->json, "The same as JSON");
  add_limit_options(*app, options->limits, LimitSources::flags);
  return {app, [options] { return run_explain(*options); }};
}

}  // namespace tessera::cli
