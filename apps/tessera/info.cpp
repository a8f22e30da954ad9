// SPDX-License-Identifier: Apache-2.0
// tessera info: what an image file is, from its header.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "codec/io/objects.hpp"
#include "command.hpp"
#include "inputs.hpp"
#include "limit_options.hpp"
#include "process/image_input.hpp"
#include "report.hpp"
#include "text.hpp"

namespace tessera::cli {
namespace {

struct InfoOptions {
  std::vector<std::string> inputs;
  bool recursive = false;
  bool json = false;
  WorkLimits limits;
};

std::string unit_name(Resolution::Unit unit) {
  switch (unit) {
    case Resolution::Unit::ratio:
      return "ratio";
    case Resolution::Unit::inch:
      return "inch";
    case Resolution::Unit::centimetre:
      return "cm";
    case Resolution::Unit::metre:
      return "m";
  }
  return {};
}

Json info_json(const std::string& name, const ReadOptions& read) {
  ImageInput input = ImageInput::file(name);
  Bytes streamed;
  if (!can_open_again(input)) {
    streamed = read_all(name, read.limits.max_file_bytes);
    input = {InputBytes{streamed}, name};
  }
  const auto source = open_image(input, read);
  const std::optional<ImageFormat> format = sniff_input(input).format;
  const Metadata& metadata = source->metadata();
  Json json{{"file", shown_name(name)},
            {"format", format ? std::string(format_name(*format)) : std::string()},
            {"file_bytes", encoded_bytes(input)},
            {"width", source->info().extent.width},
            {"height", source->info().extent.height},
            {"pixel_format", source->info().format.describe()},
            {"pixel_bytes", source->info().bytes()}};
  if (metadata.resolution.known()) {
    json["resolution"] = {{"x", metadata.resolution.x},
                          {"y", metadata.resolution.y},
                          {"per", unit_name(metadata.resolution.unit)}};
  }
  Json kept = Json::object();
  for (const auto& [kind, block] :
       std::array{std::pair{"icc_profile", &metadata.icc}, std::pair{"exif", &metadata.exif},
                  std::pair{"xmp", &metadata.xmp}, std::pair{"iptc", &metadata.iptc}}) {
    if (!block->empty()) {
      kept[kind] = block->size();
    }
  }
  json["metadata_bytes"] = std::move(kept);
  json["warnings"] = source->warnings();
  return json;
}

void print_human(const Json& json) {
  const auto line = [](const char* name, const std::string& value) {
    fmt::print("  {:<12} {}\n", name, value);
  };
  fmt::print("{}\n", printable(json["file"].get<std::string>()));
  line("Format", json["format"].get<std::string>());
  line("Size", fmt::format("{} x {} pixels, {}", json["width"].get<std::int64_t>(),
                           json["height"].get<std::int64_t>(), json["pixel_format"].get<std::string>()));
  line("File", bytes_text(json["file_bytes"].get<std::int64_t>()));
  line("Unpacked", bytes_text(json["pixel_bytes"].get<std::int64_t>()));
  if (const auto resolution = json.find("resolution"); resolution != json.end()) {
    line("Resolution",
         fmt::format("{:g} x {:g} per {}", (*resolution)["x"].get<double>(), (*resolution)["y"].get<double>(),
                     (*resolution)["per"].get<std::string>()));
  }
  for (const auto& [kind, size] : json["metadata_bytes"].items()) {
    line(kind == "icc_profile" ? "ICC profile"
         : kind == "exif"      ? "EXIF"
         : kind == "xmp"       ? "XMP"
                               : "IPTC",
         bytes_text(size.get<std::int64_t>()));
  }
  for (const Json& warning : json["warnings"]) {
    fmt::print("  Warning: {}\n", printable(warning.get<std::string>()));
  }
}

int run_info(const InfoOptions& options) {
  const Inputs inputs = expand_inputs(options.inputs, options.recursive);
  Json all = Json::array();
  int code = 0;
  for (const InputName& input : inputs.names) {
    try {
      Json json = info_json(input.file, {.limits = options.limits});
      if (!options.json) {
        print_human(json);
      }
      all.push_back(std::move(json));
    } catch (const Error& error) {
      const ErrorMeaning& row = meaning(error.code());
      code = code == 0 ? row.exit_code : code;
      std::fflush(stdout);
      fmt::print(stderr, "tessera: {}\n", printable(error.what()));
      all.push_back({{"file", input.file}, {"error", {{"code", row.name}, {"message", error.what()}}}});
    }
  }
  if (options.json) {
    fmt::print("{}", dump(all));
  }
  return code;
}

}  // namespace

Command add_info(CLI::App& program) {
  CLI::App* app = program.add_subcommand("info", "Say what images are: format, size, metadata");
  auto options = std::make_shared<InfoOptions>();
  app->add_option("IN", options->inputs, "Images; patterns like '*.jpg' are expanded, '-' is standard input")
      ->required();
  app->add_flag("-r,--recursive", options->recursive, "Take the images in folders and below");
  app->add_flag("--json", options->json, "The same as JSON");
  add_limit_options(*app, options->limits, LimitSources::flags);
  return {app, [options] { return run_info(*options); }};
}

}  // namespace tessera::cli
