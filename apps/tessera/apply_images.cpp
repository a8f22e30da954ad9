// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "apply.hpp"
#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "codec/io/objects.hpp"
#include "comm/text.hpp"
#include "engine/workers.hpp"
#include "findings_files.hpp"
#include "outputs.hpp"
#include "process/host_share.hpp"
#include "process/shared_source.hpp"
#include "replaced_file.hpp"
#include "report.hpp"
#include "trim.hpp"
#include "user_presets.hpp"

namespace tessera::cli {
namespace {

/// Text that the root makes, on every rank.
std::string from_root(Communicator& comm, const std::function<std::string()>& make) {
  std::string text;
  collective_try(comm, [&] {
    if (comm.root()) {
      text = make();
    }
  });
  return to_text(broadcast_bytes(comm, to_bytes(text), 0));
}

OutputRules output_rules(const ApplyOptions& options) {
  return {
      .output = options.output,
      .suffix = options.suffix,
      .folder = options.recursive,
      .replace = options.force,
      .skip_existing = options.skip_existing,
      .in_place = options.in_place,
      .backup = options.backup,
      .format = options.process.output.format,
      .extension = [&](const std::string& input) { return result_extension(input, options.process.output); }};
}

/// Names travel ended by NULs: no file name holds one.
std::string pack(const std::vector<WorkItem>& items) {
  std::string names;
  for (const WorkItem& item : items) {
    names += item.input + '\0' + item.output + '\0' + item.backup + '\0';
  }
  return names;
}

std::vector<WorkItem> unpack(const std::string& packed) {
  std::vector<WorkItem> work;
  std::size_t at = 0;
  const auto next = [&] {
    const std::size_t end = packed.find('\0', at);
    return packed.substr(std::exchange(at, end + 1), end - at);
  };
  while (at < packed.size()) {
    WorkItem item;
    item.input = next();
    item.output = next();
    item.backup = next();
    work.push_back(std::move(item));
  }
  return work;
}

class Application {
 public:
  Application(Communicator& comm, const ApplyOptions& options, Console& console, Interrupts& interrupts)
      : comm_(comm),
        options_(options),
        console_(console),
        interrupts_(interrupts),
        findings_(options.findings, options.force) {}

  int run() {
    pipeline_ = pipeline_from_root();
    const auto begin = std::chrono::steady_clock::now();
    const std::vector<WorkItem> work = unpack(from_root(comm_, [&] { return pack(plan()); }));
    if (options_.dry_run) {
      return 0;
    }
    collective_try(comm_, [&] {
      if (comm_.root()) {
        findings_.prepare(work);
      }
    });
    operators_ = build_pipeline(pipeline_, image_loader());
    host_ = share_of_host(comm_, options_.threads);
    tell_where();
    int code = 0;
    images_ = work.size();
    if (const int jobs = images_at_a_time(work); jobs > 1) {
      code = apply_side_by_side(work, jobs);
    } else {
      code = apply_one_by_one(work);
    }
    report_all(code, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    return code;
  }

 private:
  /// Notes the identity of what it loads: results that are resumed depend on it.
  ImageLoader image_loader() {
    return
        [this, load = shared_image_loader(comm_, read_options(options_.process))](const std::string& name) {
          if (comm_.root()) {
            parameter_images_.push_back(identity_of(ImageInput::file(name)).value_or(name));
          }
          return load(name);
        };
  }

  [[nodiscard]] ImageOutput output_of(const WorkItem& item) const {
    ImageOutput output = ImageOutput::file(item.output);
    if (auto* const file = std::get_if<OutputFile>(&output.to); file != nullptr && options_.resume) {
      file->resume_key = Json{{"version", TESSERA_VERSION},
                              {"trim", options_.trim_level.value_or(-1)},
                              {"pipeline", to_json(pipeline_)},
                              {"images", parameter_images_}}
                             .dump();
    }
    return output;
  }

  /// On the root: what there is to do, and the folders for it.
  std::vector<WorkItem> plan() {
    const Inputs inputs = expand_inputs(options_.inputs, options_.recursive);
    const OutputRules rules = output_rules(options_);
    Work work = plan_work(inputs, rules);
    if (options_.keep_time &&
        std::ranges::any_of(work.items, [](const WorkItem& item) { return is_object_url(item.output); })) {
      throw Error(ErrorCode::usage, "--keep-time: objects have the time of their upload; leave it out.");
    }
    other_files_ = inputs.other_files;
    skipped_ = work.skipped;
    if (options_.dry_run) {
      for (const WorkItem& item : work.items) {
        fmt::print("{} -> {}\n", printable(shown_name(item.input)),
                   printable(item.output.empty() ? "-" : shown_name(item.output)));
      }
      for (const WorkItem& item : work.skipped) {
        fmt::print("{}: skipped, '{}' exists\n", printable(shown_name(item.input)),
                   printable(shown_name(item.output)));
      }
      return {};
    }
    make_output_folders(work, rules);
    return std::move(work.items);
  }

  /// Presets are the root's.
  PipelineSteps pipeline_from_root() {
    PipelineSteps pipeline;
    const std::string text = from_root(comm_, [&] {
      pipeline = UserPresets(options_.presets).parse(options_.pipeline);
      return comm_.size() > 1 ? to_json(pipeline).dump() : std::string();
    });
    return comm_.root() ? pipeline : parse_pipeline(text);
  }

  void tell_where() {
    std::vector<std::string> locations;
    for (const Bytes& location : all_gather_bytes(comm_, to_bytes(comm_.location()))) {
      locations.push_back(to_text(location));
    }
    if (!comm_.root()) {
      return;
    }
    console_.ranks(locations);
    for (std::size_t rank = 0; options_.verbose && rank < locations.size(); ++rank) {
      console_.message(
          fmt::format("rank {} runs on {} with {} threads", rank, locations[rank], host_.threads));
    }
  }

  int apply_one_by_one(const std::vector<WorkItem>& work) {
    int code = 0;
    for (const WorkItem& item : work) {
      ++image_;
      const int result = apply_to(item);
      code = code == 0 ? result : code;
      if (interrupts_.interrupted() || ended_) {
        break;
      }
    }
    return code;
  }

  /// How many images are worked on side by side, each on one thread: what is serial in one, such as its entropy
  /// code, then runs beside the others. A few images are better done one by one, on all threads.
  [[nodiscard]] int images_at_a_time(const std::vector<WorkItem>& work) const {
    const bool in_order = comm_.size() > 1 || options_.timeout_s > 0 || options_.output == "-" ||
                          (!options_.findings.empty() && !findings_.in_folder());
    if (in_order || work.size() < 2) {
      return 1;
    }
    const auto images = static_cast<int>(std::min<std::size_t>(work.size(), 1024));
    if (options_.jobs > 0) {
      return std::min(options_.jobs, images);
    }
    return images >= 2 * host_.threads ? host_.threads : 1;
  }

  int apply_side_by_side(const std::vector<WorkItem>& work, int jobs) {
    const std::stop_token stop = interrupts_.begin(0);
    std::vector<std::optional<ImageReport>> done(work.size());
    std::mutex mutex;
    std::size_t ended = 0;
    for_each_index(jobs, std::ssize(work), {}, [&](int, std::int64_t index) {
      if (stop.stop_requested()) {
        return;
      }
      const auto at = static_cast<std::size_t>(index);
      ImageReport report;
      report.item = work[at];
      try {
        const auto solo = make_solo();
        ProcessContext context{*solo, std::max(1, host_.threads / jobs), jobs};
        context.stop = stop;
        work_on(report, context);
      } catch (const Error& error) {
        report.failure = explain(error, report.item);
      }
      const std::scoped_lock lock(mutex);
      ++ended;
      tell_of(report);
      console_.progress(static_cast<double>(ended) / static_cast<double>(images_),
                        fmt::format("{} of {}", ended, images_));
      done[at] = std::move(report);
    });
    int code = 0;
    for (std::optional<ImageReport>& report : done) {
      if (report) {
        code = code == 0 && report->failure ? meaning(report->failure->code()).exit_code : code;
        reports_.push_back(std::move(*report));
      }
    }
    return code;
  }

  void tell_of(const ImageReport& report) {
    if (report.failure) {
      console_.message(fmt::format("tessera: {}", printable(report.failure->what())));
    } else if (!options_.quiet && !options_.json) {
      tell(options_.verbose ? detailed_report(report) : short_report(report));
    }
  }

  /// Work on one image; its failure is reported and does not keep the next from being tried.
  int apply_to(const WorkItem& item) {
    ImageReport report;
    report.item = item;
    try {
      process(report);
    } catch (const Error& error) {
      report.failure = explain(error, item);
    }
    const int code = report.failure ? meaning(report.failure->code()).exit_code : 0;
    const bool rank_lost = report.failure && report.failure->code() == ErrorCode::rank_lost;
    if (report.failure) {
      // After these the ranks have no common ground to go on from.
      ended_ = rank_lost || report.failure->code() == ErrorCode::cancelled ||
               (comm_.size() > 1 && interrupts_.timed_out());
    }
    if (comm_.root() || rank_lost) {
      tell_of(report);
    }
    if (rank_lost) {
      throw *report.failure;
    }
    if (comm_.root()) {
      reports_.push_back(std::move(report));
    }
    return code;
  }

  void process(ImageReport& report) {
    ProcessContext context{comm_, host_.threads, host_.ranks};
    if (comm_.root()) {
      console_.begun(shown_name(report.item.input));
    }
    context.stop = interrupts_.begin(options_.timeout_s);
    context.progress = [&](const Progress& progress) {
      const std::string name = (images_ > 1 ? fmt::format("{} of {}: ", image_, images_) : "") +
                               printable(shown_name(report.item.input));
      console_.progress(progress.fraction,
                        progress.stages > 1
                            ? fmt::format("{} (stage {} of {})", name, progress.stage + 1, progress.stages)
                            : name);
    };
    work_on(report, context);
  }

  void work_on(ImageReport& report, const ProcessContext& context) {
    std::optional<ReplacedFile> replaced;
    collective_try(context.comm, [&] {
      if (context.comm.root()) {
        replaced.emplace(report.item, options_.force);
      }
    });
    const ImageInput input = ImageInput::file(report.item.input);
    report.done = process_image(
        input, output_of(report.item),
        options_.trim_level ? after_trim(input, *options_.trim_level, operators_, options_.process, context)
                            : operators_,
        options_.process, context);
    collective_try(context.comm, [&] {
      if (context.comm.root()) {
        replaced->succeeded(options_.keep_time);
        findings_.write(report);
      }
    });
  }

  Error explain(const Error& error, const WorkItem& item) const {
    const std::string input = shown_name(item.input);
    if (error.code() == ErrorCode::cancelled) {
      if (interrupts_.timed_out() && !interrupts_.interrupted()) {
        return {ErrorCode::limit_exceeded,
                fmt::format("{}: not done after {} s (--timeout); no result was written.{}", input,
                            options_.timeout_s,
                            options_.resume ? " The same command goes on where it stopped." : "")};
      }
      return {ErrorCode::cancelled,
              fmt::format("{}: stopped before it was done; no result was written.{}", input,
                          options_.resume ? " The same command goes on where it stopped." : "")};
    }
    // Most sentences name the file that they are about; others (a parameter that does not suit the image) do
    // not.
    return item.input == "-" || !error.subject().empty()
               ? error
               : Error(error.code(), fmt::format("{}: {}", input, error.what()), input);
  }

  void report_all(int code, double seconds) {
    if (!comm_.root()) {
      return;
    }
    findings_.finish();
    if (options_.json) {
      Json skipped = Json::array();
      for (const WorkItem& item : skipped_) {
        skipped.push_back({{"input", shown_name(item.input)}, {"output", shown_name(item.output)}});
      }
      Json images = Json::array();
      for (const ImageReport& report : reports_) {
        images.push_back(json_report(report));
      }
      fmt::print("{}", dump({{"version", TESSERA_VERSION},
                             {"pipeline", to_json(pipeline_)},
                             {"ranks", comm_.size()},
                             {"threads", host_.threads},
                             {"exit_code", code},
                             {"skipped", std::move(skipped)},
                             {"images", std::move(images)}}));
    }
    if (!options_.json && !options_.quiet && (images_ > 1 || !skipped_.empty() || other_files_ > 0)) {
      tell(summary(seconds));
    }
    std::fflush(stdout);
  }

  /// "12 images in 3.4 s, 1 failed, 3 left out because their results exist."
  [[nodiscard]] std::string summary(double seconds) const {
    const auto failed =
        std::ranges::count_if(reports_, [](const ImageReport& report) { return report.failure.has_value(); });
    std::string text = fmt::format("{} image{} in {}", std::ssize(reports_) - failed,
                                   std::ssize(reports_) - failed == 1 ? "" : "s", seconds_text(seconds));
    if (failed > 0) {
      text += fmt::format(", {} failed", failed);
    }
    if (const std::size_t not_begun = images_ - reports_.size(); not_begun > 0) {
      text += fmt::format(", {} not begun", not_begun);
    }
    if (!skipped_.empty()) {
      text += fmt::format(", {} skipped because the result exists", skipped_.size());
    }
    if (other_files_ > 0) {
      text += fmt::format(", {} file{} left out that {} no image", other_files_, other_files_ == 1 ? "" : "s",
                          other_files_ == 1 ? "is" : "are");
    }
    return text + ".";
  }

  void tell(const std::string& text) {
    if (options_.output == "-" || options_.findings == "-") {
      console_.message(text);
    } else {
      console_.clear();
      fmt::print("{}\n", with_marks(text, takes_colours(STDOUT_FILENO)));
      std::fflush(stdout);
    }
  }

  Communicator& comm_;
  const ApplyOptions& options_;
  Console& console_;
  Interrupts& interrupts_;
  PipelineSteps pipeline_;
  std::vector<Operator> operators_;
  std::vector<std::string> parameter_images_;  ///< root only
  HostShare host_;
  bool ended_ = false;
  std::size_t images_ = 0;            ///< to do
  std::size_t image_ = 0;             ///< that is worked on, from 1
  std::vector<WorkItem> skipped_;     ///< root only
  std::int64_t other_files_ = 0;      ///< root only
  std::vector<ImageReport> reports_;  ///< root only
  FindingsFiles findings_;            ///< root only
};

}  // namespace

int apply_to_images(Communicator& comm, const ApplyOptions& options, Console& console,
                    Interrupts& interrupts) {
  return Application(comm, options, console, interrupts).run();
}

}  // namespace tessera::cli
