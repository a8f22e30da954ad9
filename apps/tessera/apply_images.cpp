// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <utility>

#include "apply.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "presets.hpp"
#include "process/host_share.hpp"
#include "process/shared_source.hpp"
#include "report.hpp"
#include "work.hpp"

namespace tessera::cli {
namespace {

Bytes to_bytes(std::string_view text) {
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string to_string(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Text that the root makes, on every rank.
std::string from_root(Communicator& comm, const std::function<std::string()>& make) {
  std::string text;
  collective_try(comm, [&] {
    if (comm.root()) {
      text = make();
    }
  });
  return to_string(broadcast_bytes(comm, to_bytes(text), 0));
}

/// Names travel ended by NULs: no file name holds one.
std::vector<WorkItem> work_from_root(Communicator& comm, const ApplyOptions& options) {
  const std::string packed = from_root(comm, [&] {
    const auto inputs = expand_inputs(options.inputs);
    const OutputRules rules{options.output, options.force, [&](const std::string& input) {
                              return result_extension(input, options.process.output);
                            }};
    std::string names;
    for (const WorkItem& item : plan_work(inputs, rules)) {
      names += item.input + '\0' + item.output + '\0';
    }
    return names;
  });
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
    work.push_back(std::move(item));
  }
  return work;
}

class Application {
 public:
  Application(Communicator& comm, const ApplyOptions& options, Console& console, Interrupts& interrupts)
      : comm_(comm), options_(options), console_(console), interrupts_(interrupts) {}

  int run() {
    pipeline_ = pipeline_from_root();
    const std::vector<WorkItem> work = work_from_root(comm_, options_);
    check_findings_target(work);
    operators_ = build_pipeline(pipeline_, shared_image_loader(comm_, read_options(options_.process)));
    host_ = share_of_host(comm_, options_.threads);
    tell_where();
    int code = 0;
    for (const WorkItem& item : work) {
      const int result = apply_to(item);
      code = code == 0 ? result : code;
      if (interrupts_.interrupted() || ended_) {
        break;
      }
    }
    report_all(code);
    return code;
  }

 private:
  /// Presets are the root's.
  PipelineSteps pipeline_from_root() {
    PipelineSteps pipeline;
    const std::string text = from_root(comm_, [&] {
      pipeline = parse_pipeline(options_.pipeline, load_presets(options_.presets));
      return comm_.size() > 1 ? to_json(pipeline).dump() : std::string();
    });
    return comm_.root() ? pipeline : parse_pipeline(text);
  }

  void tell_where() {
    std::vector<std::string> locations;
    for (const Bytes& location : all_gather_bytes(comm_, to_bytes(comm_.location()))) {
      locations.push_back(to_string(location));
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
    if (report.failure) {
      const ErrorCode kind = report.failure->code();
      // After these the ranks have no common ground to go on from.
      ended_ = kind == ErrorCode::rank_lost || kind == ErrorCode::cancelled ||
               (comm_.size() > 1 && interrupts_.timed_out());
      if (comm_.root() || kind == ErrorCode::rank_lost) {
        console_.message(fmt::format("tessera: {}", printable(report.failure->what())));
      }
      if (kind == ErrorCode::rank_lost) {
        throw *report.failure;
      }
    } else if (comm_.root() && !options_.quiet && !options_.json) {
      tell(human_report(report));
    }
    if (comm_.root()) {
      reports_.push_back(std::move(report));
    }
    return code;
  }

  void process(ImageReport& report) {
    ProcessContext context{comm_, host_.threads, host_.ranks};
    if (comm_.root()) {
      console_.begun(report.item.input);
    }
    context.stop = interrupts_.begin(options_.timeout_s);
    context.progress = [&](const Progress& progress) {
      const std::string name = printable(report.item.input);
      console_.progress(progress.fraction,
                        progress.stages > 1
                            ? fmt::format("{} (stage {} of {})", name, progress.stage + 1, progress.stages)
                            : name);
    };
    report.done = process_image(ImageInput::file(report.item.input), ImageOutput::file(report.item.output),
                                operators_, options_.process, context);
    collective_try(comm_, [&] {
      if (comm_.root()) {
        write_findings(report);
      }
    });
  }

  Error explain(const Error& error, const WorkItem& item) const {
    if (error.code() == ErrorCode::cancelled) {
      if (interrupts_.timed_out() && !interrupts_.interrupted()) {
        return {ErrorCode::limit_exceeded,
                fmt::format("{}: not done after {} s (--timeout); no result was written.", item.input,
                            options_.timeout_s)};
      }
      return {ErrorCode::cancelled,
              fmt::format("{}: stopped before it was done; no result was written.", item.input)};
    }
    // Most sentences name the file that they are about; others (a parameter that does not suit the image) do
    // not.
    return item.input == "-" || !error.subject().empty()
               ? error
               : Error(error.code(), fmt::format("{}: {}", item.input, error.what()), item.input);
  }

  [[nodiscard]] bool findings_in_folder() const {
    std::error_code ignored;
    return options_.findings.ends_with('/') || std::filesystem::is_directory(options_.findings, ignored);
  }

  void check_findings_target(const std::vector<WorkItem>& work) {
    collective_try(comm_, [&] {
      if (!comm_.root() || options_.findings.empty()) {
        return;
      }
      if (findings_in_folder()) {
        std::error_code failure;
        std::filesystem::create_directories(options_.findings, failure);
        if (failure) {
          throw Error(ErrorCode::io,
                      fmt::format("Cannot make the folder '{}': {}.", options_.findings, failure.message()));
        }
      }
      std::vector<std::string> inputs;
      for (const WorkItem& item : work) {
        inputs.push_back(item.input);
      }
      const InputFiles read(inputs);
      if (!findings_in_folder()) {
        check_writable(options_.findings, options_.force, read);
        findings_at_end_ = is_stream_output(options_.findings);
        return;
      }
      for (const WorkItem& item : work) {
        check_writable(name_beside(item.input, options_.findings, "json"), options_.force, read);
      }
    });
  }

  void write_findings(const ImageReport& report) {
    if (options_.findings.empty()) {
      return;
    }
    if (findings_in_folder()) {
      write_text(name_beside(report.item.input, options_.findings, "json"),
                 dump(image_findings_json(report)));
      return;
    }
    // One file for all images: an object for one, else an array that grows with each.
    findings_.push_back(image_findings_json(report));
    if (!findings_at_end_) {
      write_text(options_.findings, dump(findings_.size() == 1 ? findings_.front() : Json(findings_)));
    }
  }

  void report_all(int code) {
    if (!comm_.root()) {
      return;
    }
    if (findings_at_end_ && !findings_.empty()) {
      write_text(options_.findings, dump(findings_.size() == 1 ? findings_.front() : Json(findings_)));
    }
    if (options_.json) {
      Json images = Json::array();
      for (const ImageReport& report : reports_) {
        images.push_back(json_report(report));
      }
      fmt::print("{}", dump({{"version", TESSERA_VERSION},
                             {"pipeline", to_json(pipeline_)},
                             {"ranks", comm_.size()},
                             {"threads", host_.threads},
                             {"exit_code", code},
                             {"images", std::move(images)}}));
    }
    std::fflush(stdout);
  }

  void tell(const std::string& text) {
    if (options_.output == "-" || options_.findings == "-") {
      console_.message(text);
    } else {
      console_.clear();
      fmt::print("{}\n", text);
      std::fflush(stdout);
    }
  }

  Communicator& comm_;
  const ApplyOptions& options_;
  Console& console_;
  Interrupts& interrupts_;
  PipelineSteps pipeline_;
  std::vector<Operator> operators_;
  HostShare host_;
  bool ended_ = false;
  bool findings_at_end_ = false;      ///< root only: what is written into a stream cannot be written anew
  std::vector<ImageReport> reports_;  ///< root only
  std::vector<Json> findings_;        ///< root only
};

}  // namespace

int apply_to_images(Communicator& comm, const ApplyOptions& options, Console& console,
                    Interrupts& interrupts) {
  return Application(comm, options, console, interrupts).run();
}

}  // namespace tessera::cli
