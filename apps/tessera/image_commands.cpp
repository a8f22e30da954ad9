// SPDX-License-Identifier: Apache-2.0
// tessera apply, convert and thumbnail: their flags.
#include <fmt/format.h>

#include <memory>

#include "apply.hpp"
#include "base/error.hpp"
#include "command.hpp"
#include "limit_options.hpp"
#include "manual.hpp"
#include "output_flags.hpp"

namespace tessera::cli {
namespace {

using SharedOptions = std::shared_ptr<ApplyOptions>;

CLI::Option* add_inputs(CLI::App& app, const SharedOptions& options) {
  return app
      .add_option("IN", options->inputs,
                  "Images; patterns like '*.jpg' are expanded, '-' is standard input, pipes are read as well")
      ->required();
}

void add_output(CLI::App& app, const SharedOptions& options) {
  app.add_option(
         "-o,--output", options->output,
         "Where results go: a file, a folder, '-', or a name with {stem}, {ext}, {name} or {folder} in it; "
         "links are followed, and devices and pipes written into. NAME.zarr and NAME.dzi are folders of tiles")
      ->type_name("OUT");
  add_output_options(app, options->process.output, FormatKinds::files_and_folders);
}

void add_trim(CLI::App& app, const SharedOptions& options) {
  app.add_option(
         "--trim", options->trim_level,
         "First cut off the border whose levels are at most this far (0 to 255) from those of the top left "
         "pixel: 10 for scans and JPEGs")
      ->type_name("LEVEL")
      ->check(CLI::Range(0.0, 255.0));
}

void add_file_options(CLI::App& app, const SharedOptions& options) {
  const std::string group = "Files";
  app.add_flag("-r,--recursive", options->recursive,
               "Take the images in folders and below; results keep the tree")
      ->group(group);
  app.add_option("--suffix", options->suffix, "Put this after the names of results: '-small'")
      ->type_name("TEXT")
      ->group(group);
  app.add_flag("--in-place", options->in_place, "Replace each file by its result")->group(group);
  app.add_option("--backup", options->backup,
                 "With --in-place: keep the originals under names with this at their end")
      ->type_name("SUFFIX")
      ->group(group);
  app.add_flag("--skip-existing", options->skip_existing, "Leave out images whose result exists")
      ->group(group);
  app.add_flag(
         "--resume", options->resume,
         "Go on where an interrupted run of the same command stopped; if this one is interrupted, keep what is done")
      ->group(group);
  app.add_flag("--keep-time", options->keep_time, "Give results the time of their input")->group(group);
  app.add_flag("--dry-run", options->dry_run, "Only say what would be written where")->group(group);
  app.add_flag("--force", options->force, "Replace results that exist")->group(group);
}

void add_report_options(CLI::App& app, const SharedOptions& options) {
  app.add_flag("--json", options->json, "Report as JSON on standard output");
  app.add_flag("--quiet", options->quiet, "No report and no progress, only errors");
  app.add_flag("-v,--verbose", options->verbose, "Also report stages and ranks, and what mpirun says");
}

void add_run_options(CLI::App& app, const SharedOptions& options) {
  app.add_option("-n,--ranks", options->ranks, "MPI ranks to start")->check(CLI::Range(1, 4096));
  app.add_option("-t,--threads", options->threads, "Threads of each rank; 0: cores divided by ranks")
      ->check(CLI::Range(0, 1024));
  app.add_option("-j,--jobs", options->jobs,
                 "Images worked on side by side, on a thread each; 0: as suits their number")
      ->check(CLI::Range(0, 1024));
  app.add_option("--hostfile", options->hostfile, "Hosts to start ranks on, as mpirun wants it")
      ->type_name("FILE");
  add_limit_options(app, options->process.limits, LimitSources::flags);
  app.add_option("--timeout", options->timeout_s, "Seconds for each image")
      ->check(CLI::Range(0.001, 1e7))
      ->group("Limits");
  app.add_option("--start-timeout", options->start_timeout_s,
                 "Seconds that mpirun may take to start the ranks")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 1e7))
      ->group("Limits");
}

/// Examples, then the exit codes.
void add_footer(CLI::App& app, const std::string& examples) {
  app.footer(examples + "\n\nExit codes:\n" + exit_code_lines());
}

/// "tessera convert a.jpg b.webp": as cp, the last name is the result's where there is no -o.
void take_output_from_inputs(ApplyOptions& options) {
  if (!options.output.empty() || options.in_place || options.inputs.size() < 2) {
    return;
  }
  options.output = options.inputs.back();
  options.inputs.pop_back();
}

struct ThumbnailShape {
  std::string size = "256";
  bool cover = false;
  bool contain = false;
  std::string gravity = "center";
  std::string background = "#000000";
};

std::string thumbnail_pipeline(const ThumbnailShape& shape) {
  const bool box = shape.size.find('x') != std::string::npos;
  std::string fit;
  if (shape.cover || shape.contain) {
    fit = fmt::format(" fit={} gravity={}", shape.cover ? "cover" : "contain", shape.gravity);
  }
  if (shape.contain) {
    fit += fmt::format(" background={}", shape.background);
  }
  const std::string sides = box           ? shape.size
                            : fit.empty() ? "long-edge=" + shape.size
                                          : fmt::format("{0}x{0}", shape.size);
  return fmt::format("resize {} enlarge=false{}", sides, fit);
}

}  // namespace

Command add_apply(CLI::App& program, const Arguments& arguments) {
  CLI::App* app = program.add_subcommand("apply", "Apply operators to images");
  auto options = std::make_shared<ApplyOptions>();
  app->add_option("PIPELINE", options->pipeline,
                  "Operators separated by '|', or JSON; see 'tessera ops'. Empty: images are only converted")
      ->required();
  add_inputs(*app, options);
  add_output(*app, options);
  add_trim(*app, options);
  app->add_option(
         "--findings", options->findings,
         "Where to write what operators found (lines, corners, counts), as JSON: a file, a folder or '-'")
      ->type_name("FILE");
  app->add_option("--presets", options->presets,
                  "File of named pipelines (default: $TESSERA_PRESETS or ~/.config/tessera/presets.json)")
      ->type_name("FILE");
  add_file_options(*app, options);
  add_report_options(*app, options);
  add_run_options(*app, options);
  add_footer(*app,
             "Examples:\n"
             "  tessera apply 'median size=5 | otsu' page.jpg -o scan.png\n"
             "  tessera apply 'resize long-edge=1600 | unsharp-mask' -r photos/ -o web/ -f jpg -q 80\n"
             "  tessera apply 'auto-levels' '*.jpg' -o '{stem}-levels.{ext}' --skip-existing");
  return {app, [options, arguments] { return run_apply(*options, arguments); }};
}

Command add_convert(CLI::App& program, const Arguments& arguments) {
  CLI::App* app = program.add_subcommand("convert", "Write images in another format");
  auto options = std::make_shared<ApplyOptions>();
  add_inputs(*app, options)
      ->description(
          "Images, and, without -o, the result's name or folder as the last; patterns are expanded, '-' is standard input");
  add_output(*app, options);
  add_trim(*app, options);
  add_file_options(*app, options);
  add_report_options(*app, options);
  add_run_options(*app, options);
  add_footer(*app,
             "Examples:\n"
             "  tessera convert photo.heic photo.jpg\n"
             "  tessera convert -r photos/ -o web/ -f webp -q 80 --strip location");
  return {app, [options, arguments] {
            take_output_from_inputs(*options);
            return run_apply(*options, arguments);
          }};
}

Command add_thumbnail(CLI::App& program, const Arguments& arguments) {
  CLI::App* app = program.add_subcommand("thumbnail", "Make small pictures of images");
  auto options = std::make_shared<ApplyOptions>();
  auto shape = std::make_shared<ThumbnailShape>();
  add_inputs(*app, options)
      ->description(
          "Images, and, without -o, the result's name or folder as the last; patterns are expanded, '-' is standard input");
  app->add_option("-s,--size", shape->size, "Longest side, or WIDTHxHEIGHT to stay within, in pixels")
      ->type_name("SIZE")
      ->capture_default_str();
  CLI::Option* cover =
      app->add_flag("--cover", shape->cover, "Fill WIDTHxHEIGHT, and cut away what is beyond it");
  app->add_flag(
         "--contain", shape->contain,
         "Make the result exactly WIDTHxHEIGHT, with the whole picture in it and a background around it")
      ->excludes(cover);
  app->add_option(
         "--gravity", shape->gravity,
         "With --cover, what stays; with --contain, where the picture lies: center, north, north-east, east, ...")
      ->capture_default_str();
  app->add_option("--background", shape->background,
                  "With --contain, the colour around the picture; images with transparency have it there")
      ->type_name("COLOUR")
      ->capture_default_str();
  add_output(*app, options);
  add_trim(*app, options);
  add_file_options(*app, options);
  add_report_options(*app, options);
  add_run_options(*app, options);
  add_footer(*app,
             "Examples:\n"
             "  tessera thumbnail photo.jpg small.jpg\n"
             "  tessera thumbnail -r photos/ -o thumbs/ -s 300x300 --cover -f webp\n"
             "  tessera thumbnail -r photos/ -o thumbs/ -s 300x300 --contain --background white");
  return {app, [options, shape, arguments] {
            options->pipeline = thumbnail_pipeline(*shape);
            take_output_from_inputs(*options);
            return run_apply(*options, arguments);
          }};
}

}  // namespace tessera::cli
