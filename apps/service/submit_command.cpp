// SPDX-License-Identifier: Apache-2.0
// tessera submit: images to a service, and their results back.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/printable.hpp"
#include "client_shared.hpp"
#include "codec/sniff.hpp"
#include "command.hpp"
#include "input_names.hpp"
#include "net/crypto.hpp"
#include "output_flags.hpp"
#include "plan/pipeline.hpp"
#include "ports/bytes_io.hpp"
#include "ports/job.hpp"
#include "user_presets.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

struct SubmitOptions : ClientCommandOptions {
  bool quiet = false;
  std::string pipeline;
  std::vector<std::string> files;
  bool recursive = false;
  std::string output;
  bool force = false;
  std::string presets;
  OutputOptions result;
  std::string priority = "interactive";
  bool no_wait = false;
};

bool is_standard_input(const std::string& name) { return name == "-" || name == "/dev/stdin"; }

/// By content. What cannot be read is taken for an image, so that sending it says why.
bool looks_like_image(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return true;
  }
  std::array<char, sniff_bytes> head{};
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  const auto size = static_cast<std::size_t>(in.gcount());
  const Sniffed sniffed = sniff(std::as_bytes(std::span(head).first(size)));
  return sniffed.format.has_value() || sniffed.damaged;
}

/// What standard input holds, in a file that is gone when this is: an upload must know its size.
class SpooledInput {
 public:
  SpooledInput() {
    std::string pattern = (fs::temp_directory_path() / "tessera-stdin-XXXXXX").string();
    FileDescriptor file(::mkstemp(pattern.data()));
    if (!file) {
      throw Error(ErrorCode::io, fmt::format("Cannot create a file in '{}' for standard input.",
                                             fs::temp_directory_path().string()));
    }
    path_ = pattern;
    std::array<std::byte, 64 * 1024> buffer{};
    for (;;) {
      const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (count == 0) {
        return;
      }
      if (count < 0 || !write_all(file.get(), std::span(buffer).first(static_cast<std::size_t>(count)))) {
        const std::string reason = std::generic_category().message(errno);
        remove();
        throw Error(ErrorCode::io, fmt::format("Cannot keep standard input in '{}': {}.", pattern, reason));
      }
    }
  }
  ~SpooledInput() { remove(); }
  SpooledInput(const SpooledInput&) = delete;
  SpooledInput& operator=(const SpooledInput&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  fs::path path_;
};

Inputs inputs_of(const SubmitOptions& options) {
  Inputs inputs =
      find_inputs(options.files, options.recursive,
                  {is_standard_input, [](const std::string&) { return false; }, looks_like_image});
  for (const InputName& input : inputs.names) {
    std::error_code failure;
    if (input.file != "-" && !fs::is_regular_file(input.file, failure)) {
      throw Error(fs::exists(input.file, failure) ? ErrorCode::usage : ErrorCode::not_found,
                  fs::is_directory(input.file, failure)
                      ? fmt::format("'{}' is a folder: add -r for all images in it and below.", input.file)
                      : fmt::format("'{}' cannot be sent: it is not a file. Standard input is named '-'.",
                                    input.file),
                  input.file);
    }
  }
  return inputs;
}

/// Where results go: -o names a file if it has the extension of a format that is written, and there is one image.
struct Target {
  fs::path folder;  ///< empty: results are not downloaded
  fs::path file;    ///< empty: named by the service
};

Target target_of(const SubmitOptions& options, const Inputs& inputs) {
  if (options.output.empty()) {
    return {};
  }
  const fs::path output = options.output;
  if (!options.result.format) {
    refuse_folder_format(output.extension().string(), fmt::format("The format of '{}'", options.output));
  }
  std::error_code failure;
  if (inputs.names.size() != 1 || options.recursive || !output.has_filename() ||
      fs::is_directory(output, failure) || !format_from_extension(output.extension().string())) {
    return {output, {}};
  }
  if (fs::exists(output, failure) && !options.force) {
    throw Error(ErrorCode::usage, fmt::format("'{}' exists: use --force to replace it.", options.output));
  }
  return {output.has_parent_path() ? output.parent_path() : fs::path("."), output};
}

void make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot create the folder '{}': {}.", folder.string(), failure.message()));
  }
}

/// A person's own presets are written out: the server knows only its own, which those of the same name replace.
std::string without_own_presets(Client& client, const SubmitOptions& options) {
  if (options.pipeline.find('@') == std::string::npos &&
      options.pipeline.find("\"preset\"") == std::string::npos) {
    return options.pipeline;
  }
  UserPresets presets(options.presets);
  const Json of_service = client.get("/v1/presets");
  for (const Json& preset : of_service.at("presets")) {
    try {
      presets.add_of_service(preset.at("name"), pipeline_from_json(preset.at("pipeline")));
    } catch (const Error&) {
      // It has operators of another version: only the service can tell what it means.
      continue;
    }
  }
  return to_json(presets.parse(options.pipeline)).dump();
}

/// Uploads the images. Returns the items of the request.
Json upload_all(Client& client, const Inputs& inputs, ProgressView& view) {
  Json items = Json::array();
  for (const InputName& input : inputs.names) {
    const bool standard_input = input.file == "-";
    const std::string name = standard_input ? "stdin" : fs::path(input.file).filename().string();
    view.upload(name, 0);
    std::optional<SpooledInput> spooled;
    if (standard_input) {
      spooled.emplace();
    }
    const std::string object = client.upload(spooled ? spooled->path() : fs::path(input.file),
                                             [&](double fraction) { view.upload(name, fraction); });
    view.upload(name, 1);
    items.push_back({{"object", object}, {"name", name}});
  }
  return items;
}

int submit(const SubmitOptions& given) {
  SubmitOptions options = given;
  const Inputs inputs = inputs_of(options);
  const Target target = target_of(options, inputs);
  if (!target.file.empty() && !options.result.format) {
    options.result.format = format_from_extension(target.file.extension().string());
  }
  Client client(options.client);
  ProgressView view(options.quiet || options.json);
  if (!target.folder.empty()) {
    make_folder(target.folder);
  }
  options.pipeline = without_own_presets(client, options);
  // Validated before the long uploads.
  client.post("/v1/pipelines", {{"pipeline", options.pipeline}, {"output", to_json(options.result)}});
  Json items = upload_all(client, inputs, view);
  // The key makes the request safe to retry if the response is lost.
  const Json batch = client.post("/v1/jobs",
                                 {{"items", std::move(items)},
                                  {"pipeline", options.pipeline},
                                  {"output", to_json(options.result)},
                                  {"priority", options.priority}},
                                 new_id("submit", system_now()));
  const std::string id = batch.at("id");
  if (options.no_wait) {
    if (options.json) {
      print_json(batch);
    } else {
      fmt::print("{}\n", id);
    }
    return 0;
  }
  // Jobs are in the order of the items.
  std::map<std::string, std::string> folders;
  const std::vector<Json> created = jobs_in(batch);
  for (std::size_t i = 0; i < created.size() && i < inputs.names.size(); ++i) {
    folders[created[i].at("id")] = inputs.names[i].folder;
  }
  std::vector<std::string> saved;
  const std::vector<Json> jobs = wait_for(client, id, view, [&](const Json& job) {
    if (!target.folder.empty() && job.value("state", "") == "done") {
      const fs::path folder = target.folder / folders[job.at("id")];
      make_folder(folder);
      saved.push_back(client.download(job.at("id"), folder, target.file).string());
    }
  });
  if (options.json) {
    print_json(client.get(path_of(id)));
  } else {
    for (const std::string& file : saved) {
      fmt::print("{}\n", file);
    }
    if (!options.quiet) {
      std::ranges::for_each(jobs, report_warnings);
    }
    if (target.folder.empty()) {
      for (const Json& job : jobs) {
        if (job.value("state", "") == "done") {
          fmt::print("{}\n", client.result_link(job.at("id")).at("url").get<std::string>());
        }
      }
    }
  }
  report_failures(jobs);
  return exit_code_of_jobs(jobs);
}

}  // namespace

Command add_submit(CLI::App& program) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* app =
      add_client_command(program, *options, "submit", "Send images to a service and wait for the results");
  app->add_option("PIPELINE", options->pipeline, "Operators separated by '|', or JSON; see 'tessera ops'")
      ->required();
  app->add_option("FILE", options->files, "Images; patterns like '*.jpg' are expanded, '-' is standard input")
      ->required();
  app->add_flag("-r,--recursive", options->recursive,
                "Take the images in folders and below; results keep the tree");
  app->add_option(
         "-o,--output", options->output,
         "Folder for the results or, for one image, a file with the extension of a format; without it "
         "their links are printed")
      ->type_name("OUT");
  app->add_flag("--force", options->force, "Replace the file that -o names");
  app->add_option("--presets", options->presets,
                  "File of named pipelines of your own; see 'tessera presets' (default: $TESSERA_PRESETS)")
      ->type_name("FILE");
  add_output_options(*app, options->result, FormatKinds::files);
  app->add_option("--priority", options->priority, "interactive or bulk")
      ->check(CLI::IsMember({"interactive", "bulk"}))
      ->capture_default_str();
  app->add_flag("--no-wait", options->no_wait, "Print the batch id and exit; see 'tessera watch'");
  app->add_flag("--quiet", options->quiet, "No progress");
  app->footer(
      "Examples:\n"
      "  tessera submit 'resize long-edge=1600 | unsharp-mask' -r photos/ -o web/\n"
      "  tessera submit '@scan' page.jpg -o page.png");
  return {app, [options] { return submit(*options); }};
}

}  // namespace tessera::service
