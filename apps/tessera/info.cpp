// SPDX-License-Identifier: Apache-2.0
// tessera info: what an image file is, from its header.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "codec/io/objects.hpp"
#include "command.hpp"
#include "inputs.hpp"
#include "limit_options.hpp"
#include "output_flags.hpp"
#include "process/page_list.hpp"
#include "report.hpp"
#include "text.hpp"

namespace tessera::cli {
namespace {

struct InfoOptions {
  std::vector<std::string> inputs;
  bool recursive = false;
  OutputOptions picture;  ///< page and overview to describe
  bool json = false;
  WorkLimits limits;
};

/// Lines of pages and overviews that a person gets to see.
constexpr std::size_t max_lines = 20;

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

Json picture_json(const ImageInfo& image) {
  return {{"width", image.extent.width},
          {"height", image.extent.height},
          {"pixel_format", image.format.describe()}};
}

/// Nothing for a file that is one picture without smaller levels.
Json pages_json(const ImageInput& input, const ReadOptions& read) {
  const std::vector<PageInfo> pages = list_pages(input, read);
  if (pages.size() == 1 && pages.front().overviews.empty()) {
    return {};
  }
  Json list = Json::array();
  for (const PageInfo& page : pages) {
    Json json = picture_json(page.image);
    json["overviews"] = Json::array();
    for (const ImageInfo& overview : page.overviews) {
      json["overviews"].push_back(picture_json(overview));
    }
    list.push_back(std::move(json));
  }
  return list;
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
  if (read.page > 0) {
    json["page"] = read.page;
  }
  if (read.overview > 0) {
    json["overview"] = read.overview;
  }
  if (Json pages = pages_json(input, read); !pages.is_null()) {
    json["pages"] = std::move(pages);
  }
  json["warnings"] = source->warnings();
  return json;
}

std::string size_text(const Json& picture) {
  return fmt::format("{} x {} pixels, {}", picture["width"].get<std::int64_t>(),
                     picture["height"].get<std::int64_t>(), picture["pixel_format"].get<std::string>());
}

void line(const std::string& name, const std::string& value) { fmt::print("  {:<12} {}\n", name, value); }

/// "Page 2 ..." and "  Overview 1 ...", the first of them.
void print_pages(const Json& pages) {
  std::size_t lines = 0;
  std::size_t hidden = 0;
  const auto print_line = [&](const std::string& name, const Json& picture) {
    if (lines++ < max_lines) {
      line(name, size_text(picture));
    } else {
      ++hidden;
    }
  };
  for (std::size_t i = 0; i < pages.size(); ++i) {
    print_line(fmt::format("Page {}", i + 1), pages[i]);
    const Json& overviews = pages[i]["overviews"];
    for (std::size_t k = 0; k < overviews.size(); ++k) {
      print_line(fmt::format(" Overview {}", k + 1), overviews[k]);
    }
  }
  if (hidden > 0) {
    fmt::print("  ... and {} more; --json lists them.\n", hidden);
  }
}

void print_human(const Json& json) {
  fmt::print("{}\n", printable(json["file"].get<std::string>()));
  line("Format", json["format"].get<std::string>());
  line("Size", size_text(json));
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
  if (const auto pages = json.find("pages"); pages != json.end()) {
    print_pages(*pages);
  }
  for (const Json& warning : json["warnings"]) {
    fmt::print("{}", with_marks(fmt::format("  Warning: {}\n", printable(warning.get<std::string>())),
                                takes_colours(STDOUT_FILENO)));
  }
}

int run_info(const InfoOptions& options) {
  const Inputs inputs = expand_inputs(options.inputs, options.recursive);
  Json all = Json::array();
  int code = 0;
  for (const InputName& input : inputs.names) {
    try {
      Json json = info_json(
          input.file,
          {.limits = options.limits, .page = options.picture.page, .overview = options.picture.overview});
      if (!options.json) {
        print_human(json);
      }
      all.push_back(std::move(json));
    } catch (const Error& error) {
      const ErrorMeaning& row = meaning(error.code());
      code = code == 0 ? row.exit_code : code;
      std::fflush(stdout);
      print_sentence(printable(error.what()));
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
  add_picture_options(*app, options->picture);
  app->add_flag("--json", options->json, "The same as JSON");
  add_limit_options(*app, options->limits, LimitSources::flags);
  return {app, [options] { return run_info(*options); }};
}

}  // namespace tessera::cli
