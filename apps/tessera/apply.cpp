// SPDX-License-Identifier: Apache-2.0
// tessera apply: its flags, and on what it runs: this process alone, or ranks.
#include "apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "comm/mpi.hpp"
#include "command.hpp"
#include "launch.hpp"
#include "limit_options.hpp"
#include "output_flags.hpp"
#include "presets.hpp"
#include "work.hpp"

namespace tessera::cli {
namespace {

void check_streams(const ApplyOptions& options) {
  if (options.output.empty() && options.findings.empty()) {
    throw Error(ErrorCode::usage,
                "Nothing would be kept: give -o for the picture, or --findings for what is found.");
  }
  if ((options.output == "-") + (options.findings == "-") + static_cast<int>(options.json) > 1) {
    throw Error(
        ErrorCode::usage,
        "Only one of '-o -', '--findings -' and '--json' can go to standard output: give the others a file.");
  }
  if (!options.hostfile.empty() && options.ranks == 1) {
    throw Error(ErrorCode::usage, "--hostfile needs --ranks: how many ranks to start on those hosts.");
  }
}

/// Starts the ranks, after what can be refused without them.
int apply_on_ranks(const ApplyOptions& options, const Arguments& arguments) {
  static_cast<void>(parse_pipeline(options.pipeline, load_presets(options.presets)));
  const auto inputs = expand_inputs(options.inputs);
  const auto console = make_terminal_console(!options.json && !options.quiet);
  for (const std::string& input : inputs) {
    if (is_pipe(input)) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' is a pipe, which several ranks cannot open: send it to standard input and "
                      "name '-', or leave out --ranks.",
                      input));
    }
  }
  const bool needs_stdin = std::find(inputs.begin(), inputs.end(), "-") != inputs.end();
  return launch({options.ranks, options.hostfile, needs_stdin, options.process.limits.max_file_bytes,
                 options.verbose, options.timeout_s},
                arguments, *console);
}

constexpr std::chrono::seconds time_for_mpirun{3};

/// One of the ranks that this program or somebody else's mpirun started.
int apply_as_rank(const ApplyOptions& options) {
  const bool launched = started_by_launcher();
  const auto console =
      launched ? make_event_console() : make_terminal_console(!options.json && !options.quiet);
  std::atomic<int> rank = -1;  // not known before MPI is there, whose threads must find the signals blocked
  Interrupts interrupts(false, [&] { console->timed_out(rank); });
  const auto comm = make_mpi();
  rank = comm->rank();
  int code = 0;
  try {
    if (options.ranks != 1 && options.ranks != comm->size()) {
      throw Error(ErrorCode::usage,
                  fmt::format("--ranks {} contradicts mpirun, which started {} ranks: leave it out.",
                              options.ranks, comm->size()));
    }
    code = apply_to_images(*comm, options, *console, interrupts);
  } catch (const Error& error) {
    code = meaning(error.code()).exit_code;
    if (error.code() == ErrorCode::rank_lost) {
      // mpirun knows which rank died and ends the others; this one must not look like the cause.
      std::this_thread::sleep_for(time_for_mpirun);
    }
    if (comm->root() || error.code() == ErrorCode::rank_lost) {
      console->message(fmt::format("tessera: {}", error.what()));
    }
    if (error.code() == ErrorCode::rank_lost) {
      console->finished(code);
      abort_mpi(code);  // with a rank gone, MPI cannot be ended in order
    }
  } catch (const std::exception& error) {
    code = meaning(ErrorCode::internal).exit_code;
    console->message(fmt::format("tessera: internal error on rank {}: {}", comm->rank(), error.what()));
    console->finished(code);
    abort_mpi(code);  // the other ranks do not know and would wait
  }
  if (comm->root()) {
    console->finished(code);
  }
  // The launcher has been told; a code from a rank would only make mpirun complain.
  return launched ? 0 : code;
}

int apply_alone(const ApplyOptions& options) {
  Interrupts interrupts(true);
  const auto comm = make_solo();
  const auto console = make_terminal_console(!options.json && !options.quiet);
  return apply_to_images(*comm, options, *console, interrupts);
}

}  // namespace

Command add_apply(CLI::App& program, const Arguments& arguments) {
  CLI::App* app = program.add_subcommand("apply", "Apply operators to images");
  auto options = std::make_shared<ApplyOptions>();
  app->add_option("PIPELINE", options->pipeline, "Operators separated by '|', or JSON; see 'tessera ops'")
      ->required();
  app->add_option("IN", options->inputs,
                  "Images; patterns like '*.jpg' are expanded, '-' is standard input, pipes are read as well")
      ->required();
  app->add_option(
         "-o,--output", options->output,
         "Where the result goes: a file, a folder, or '-'; links are followed, and devices and pipes "
         "written into")
      ->type_name("OUT");
  add_output_options(*app, options->process.output);
  app->add_option(
         "--findings", options->findings,
         "Where to write what operators found (lines, corners, counts), as JSON: a file, a folder or '-'")
      ->type_name("FILE");
  app->add_flag("--force", options->force, "Replace results that exist");
  app->add_option("--presets", options->presets,
                  "File of named pipelines (default: $TESSERA_PRESETS or ~/.config/tessera/presets.json)")
      ->type_name("FILE");
  app->add_flag("--json", options->json, "Report as JSON on standard output");
  app->add_flag("--quiet", options->quiet, "No report and no progress, only errors");
  app->add_flag("-v,--verbose", options->verbose, "Also say where ranks run and what mpirun says");
  app->add_option("-n,--ranks", options->ranks, "MPI ranks to start")->check(CLI::Range(1, 4096));
  app->add_option("-t,--threads", options->threads, "Threads of each rank; 0: cores divided by ranks")
      ->check(CLI::Range(0, 1024));
  app->add_option("--hostfile", options->hostfile, "Hosts to start ranks on, as mpirun wants it")
      ->type_name("FILE");
  add_limit_options(*app, options->process.limits, LimitSources::flags);
  app->add_option("--timeout", options->timeout_s, "Seconds for each image")
      ->check(CLI::Range(0.001, 1e7))
      ->group("Limits");
  return {app, [options, arguments] {
            options->output = output_name(options->output);
            options->findings = output_name(options->findings);
            check_streams(*options);
            if (started_by_mpi()) {
              return apply_as_rank(*options);
            }
            return options->ranks > 1 ? apply_on_ranks(*options, arguments) : apply_alone(*options);
          }};
}

}  // namespace tessera::cli
