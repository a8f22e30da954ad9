// SPDX-License-Identifier: Apache-2.0
// tessera compare: whether two images are the same, and where not.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "command.hpp"
#include "difference.hpp"
#include "outputs.hpp"
#include "process/image_input.hpp"
#include "process/image_output.hpp"
#include "report.hpp"
#include "text.hpp"

namespace tessera::cli {
namespace {

struct CompareOptions {
  std::string first;
  std::string second;
  std::string output;
  double amplify = 1;
  bool force = false;
  bool json = false;
};

std::string channel_name(const PixelFormat& format, std::size_t channel) {
  if (channel == static_cast<std::size_t>(format.channels)) {
    return "alpha";
  }
  return format.channels == 1 ? "gray" : std::array{"red", "green", "blue"}.at(channel);
}

void print_human(const CompareOptions& options, const Difference& difference, std::FILE* to) {
  if (!difference.comparable()) {
    fmt::print(to, "Different: '{}' is {}, '{}' is {}.\n", printable(options.first),
               info_text(difference.first), printable(options.second), info_text(difference.second));
    return;
  }
  if (difference.equal()) {
    fmt::print(to, "Equal: {}.\n", info_text(difference.first));
    return;
  }
  fmt::print(
      to, "Different: {} of {} pixels ({:.3g} %), the first at x={} y={}.\n", difference.pixels,
      difference.first.extent.pixels(),
      100.0 * static_cast<double>(difference.pixels) / static_cast<double>(difference.first.extent.pixels()),
      difference.first_x, difference.first_y);
  for (std::size_t i = 0; i < difference.channels.size(); ++i) {
    fmt::print(to, "  {:<6} max {:>5}  mean {:.6g}\n", channel_name(difference.first.format, i),
               difference.channels[i].max, difference.channels[i].mean);
  }
  fmt::print(to, "  PSNR   {:.2f} dB\n", difference.psnr_db());
  if (!options.output.empty()) {
    fmt::print(to, "The difference is in {}.\n", printable(options.output));
  }
}

void print_json(const Difference& difference) {
  Json json{{"equal", difference.equal()},
            {"first", info_text(difference.first)},
            {"second", info_text(difference.second)}};
  if (difference.comparable()) {
    json["different_pixels"] = difference.pixels;
    if (difference.pixels > 0) {
      json["first_difference"] = {{"x", difference.first_x}, {"y", difference.first_y}};
      json["psnr_db"] = difference.psnr_db();
    }
    Json channels = Json::array();
    for (std::size_t i = 0; i < difference.channels.size(); ++i) {
      channels.push_back({{"name", channel_name(difference.first.format, i)},
                          {"max", difference.channels[i].max},
                          {"mean", difference.channels[i].mean}});
    }
    json["channels"] = std::move(channels);
  }
  fmt::print("{}", dump(json));
}

int run_compare(const CompareOptions& options) {
  const std::string output = output_name(options.output);
  if (output == "-" && options.json) {
    throw Error(ErrorCode::usage,
                "Only one of '-o -' and '--json' can go to standard output: give -o a file.");
  }
  const auto first = open_image(ImageInput::file(options.first), {});
  const auto second = open_image(ImageInput::file(options.second), {});
  std::optional<ResultSink> picture;
  if (!output.empty() && first->info() == second->info()) {
    check_writable(output, options.force, InputFiles({options.first, options.second}));
    picture.emplace(ImageOutput::file(output), first->info(), Metadata{}, OutputOptions{}, true);
  }
  const Difference difference =
      find_difference(*first, *second, picture ? &picture->sink() : nullptr, options.amplify);
  if (options.json) {
    print_json(difference);
  } else {
    print_human(options, difference, output == "-" ? stderr : stdout);
  }
  return difference.equal() ? 0 : 1;
}

}  // namespace

Command add_compare(CLI::App& program) {
  CLI::App* app = program.add_subcommand("compare", "Tell whether two images are equal, and how they differ");
  auto options = std::make_shared<CompareOptions>();
  app->add_option("A", options->first, "An image")->required();
  app->add_option("B", options->second, "Another image")->required();
  app->add_option("-o,--output", options->output, "Picture of the absolute differences (alpha opaque)")
      ->type_name("DIFF");
  app->add_option("--amplify", options->amplify, "Factor on the differences in that picture")
      ->check(CLI::Range(1.0, 65535.0));
  app->add_flag("--force", options->force, "Replace the picture if it exists");
  app->add_flag("--json", options->json, "The same as JSON");
  return {app, [options] { return run_compare(*options); }};
}

}  // namespace tessera::cli
