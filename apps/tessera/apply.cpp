// SPDX-License-Identifier: Apache-2.0
// On what 'tessera apply' and its like run: this process alone, or ranks.
#include "apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "codec/io/objects.hpp"
#include "comm/mpi.hpp"
#include "command.hpp"
#include "launch.hpp"
#include "outputs.hpp"
#include "user_presets.hpp"

namespace tessera::cli {
namespace {

void check_streams(const ApplyOptions& options) {
  if (options.output.empty() && options.findings.empty() && !options.in_place) {
    throw Error(ErrorCode::usage,
                "Nothing would be kept: give -o for the picture, or --findings for what is found.");
  }
  if (options.in_place && !options.output.empty()) {
    throw Error(ErrorCode::usage, "--in-place writes each result over its input: leave out -o.");
  }
  if (options.in_place && options.process.output.format) {
    throw Error(ErrorCode::usage, "--in-place keeps the format of each file: leave out --format.");
  }
  if (!options.backup.empty() && !options.in_place) {
    throw Error(ErrorCode::usage, "--backup goes with --in-place.");
  }
  if (options.resume && (options.in_place || options.output.empty() || options.output == "-" ||
                         is_object_url(options.output))) {
    throw Error(ErrorCode::usage,
                "--resume is for results in files of their own, named by -o: leave it out.");
  }
  if ((options.output == "-") + (options.findings == "-") + static_cast<int>(options.json) > 1) {
    throw Error(
        ErrorCode::usage,
        "Only one of '-o -', '--findings -' and '--json' can go to standard output: give the others a file.");
  }
  if (!options.hostfile.empty() && options.ranks <= 1) {
    throw Error(ErrorCode::usage, "--hostfile needs --ranks: how many ranks to start on those hosts.");
  }
}

/// Starts the ranks, after what can be refused without them.
int apply_on_ranks(const ApplyOptions& options, const Arguments& arguments) {
  static_cast<void>(UserPresets(options.presets).parse(options.pipeline));
  const Inputs inputs = expand_inputs(options.inputs, options.recursive);
  const auto console = make_terminal_console(!options.json && !options.quiet);
  for (const auto& [input, folder] : inputs.names) {
    if (is_pipe(input)) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' is a pipe, which several ranks cannot open: send it to standard input and "
                      "name '-', or leave out --ranks.",
                      input));
    }
  }
  const bool needs_stdin = std::ranges::find(inputs.names, "-", &InputName::file) != inputs.names.end();
  return launch({options.ranks, options.hostfile, needs_stdin, options.process.limits.max_file_bytes,
                 options.verbose, options.timeout_s, options.start_timeout_s},
                arguments, *console);
}

constexpr std::chrono::seconds time_for_mpirun{3};
constexpr std::chrono::seconds heartbeat_interval{5};

/// One of the ranks that this program or somebody else's mpirun started.
int apply_as_rank(const ApplyOptions& options) {
  const bool launched = started_by_launcher();
  const auto console =
      launched ? make_event_console() : make_terminal_console(!options.json && !options.quiet);
  std::atomic<int> rank = -1;  // not known before MPI is there, whose threads must find the signals blocked
  Interrupts interrupts(false, [&] { console->timed_out(rank); });
  const auto comm = make_mpi();
  rank = comm->rank();
  const std::jthread heartbeat([&](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any stopped;
    do {
      console->alive(rank);
    } while (!stopped.wait_for(lock, stop, heartbeat_interval, [&] { return stop.stop_requested(); }));
  });
  int code = 0;
  try {
    if (options.ranks == 0) {
      check_tasks(comm->size());
    } else if (options.ranks != comm->size()) {
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
  if (options.ranks == 0) {
    check_tasks(1);
  }
  Interrupts interrupts(true);
  const auto comm = make_solo();
  const auto console = make_terminal_console(!options.json && !options.quiet);
  return apply_to_images(*comm, options, *console, interrupts);
}

}  // namespace

int run_apply(ApplyOptions& options, const Arguments& arguments) {
  options.output = output_name(options.output);
  options.findings = output_name(options.findings);
  check_streams(options);
  if (started_by_mpi()) {
    return apply_as_rank(options);
  }
  return options.ranks > 1 && !options.dry_run ? apply_on_ranks(options, arguments) : apply_alone(options);
}

}  // namespace tessera::cli
