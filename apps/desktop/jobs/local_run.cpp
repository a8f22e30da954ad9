#include "jobs/local_run.hpp"

#include <fmt/format.h>

#include <QFile>

#include "codec/reader.hpp"
#include "codec/write/atomic_file.hpp"
#include "codec/writer.hpp"
#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "engine/run.hpp"
#include "jobs/job_record.hpp"
#include "plan/axes.hpp"
#include "plan/plan.hpp"
#include "ports/result_names.hpp"

namespace tessera::desktop {
namespace {

namespace fs = std::filesystem;

JobRequest request_of(const Submission& submission) {
  JobRequest request;
  request.name = submission.file.filename().string();
  request.pipeline = to_json(submission.pipeline);
  if (submission.output.is_object()) {
    request.output = submission.output;
  }
  return request;
}

/// Images that parameters name, such as a watermark's.
ImageLoader image_loader() {
  return [](const std::string& name) {
    const auto source = open_image(fs::path(name));
    Tile tile = Tile::allocate(Rect::whole(source->info().extent), source->info().format);
    source->read_rows(tile);
    return tile;
  };
}

void make_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot make the folder '{}': {}.", folder.string(), failure.message()));
  }
}

}  // namespace

std::string local_result_name(const Submission& submission) {
  return result_file_name(request_of(submission));
}

LocalResult run_locally(const Submission& submission, const fs::path& folder, int threads,
                        const std::function<void(double fraction)>& progress, const std::stop_token& stop) {
  const JobRequest request = request_of(submission);
  make_folder(folder);
  LocalResult result;
  result.file = folder / result_file_name(request);

  ReadOptions read;
  read.salvage = request.output.value("salvage", false);
  WriteOptions write;
  const std::string extension = result_extension(request);
  write.format = format_from_extension(extension).value_or(FileFormat::png);
  write.quality = request.output.value("quality", write.quality);
  write.strip = strip_from(request.output.value("strip", Json(false)));

  const auto source = open_image(submission.file, read);
  const Plan plan = make_plan(build_pipeline(submission.pipeline, image_loader()), source->info());
  Metadata metadata = source->metadata();
  if (swaps_axes(plan)) {
    metadata.resolution = metadata.resolution.turned();
  }
  const auto sink = open_sink(result.file, plan.out, metadata, write);
  RunOptions run;
  run.threads = threads;
  run.stop = stop;
  run.progress = [&](const Progress& now) { progress(now.fraction); };
  const RunReport report = run_plan(plan, source.get(), *sink, *make_solo(), run);

  std::error_code unknown;
  const auto bytes = fs::file_size(result.file, unknown);
  result.bytes = unknown ? 0 : static_cast<std::int64_t>(bytes);
  result.width_px = plan.out.extent.width;
  result.height_px = plan.out.extent.height;
  result.findings = findings_from(report.findings);
  for (const std::string& warning : report.warnings) {
    result.warnings.append(QString::fromStdString(warning));
  }
  return result;
}

void write_findings(const fs::path& file, const FindingsLists& lists) {
  make_folder(file.parent_path());
  AtomicFile out(file);
  const std::string text = findings_json(lists).dump();
  out.write(std::as_bytes(std::span(text)));
  out.commit();
}

FindingsLists read_findings(const QString& file) {
  QFile stored(file);
  if (!stored.open(QIODevice::ReadOnly)) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot read '{}': {}.", file.toStdString(), stored.errorString().toStdString()));
  }
  const Json json = Json::parse(stored.readAll().toStdString(), nullptr, false);
  if (!json.is_array()) {
    throw Error(ErrorCode::damaged_input,
                fmt::format("'{}' is damaged: process the image again.", file.toStdString()));
  }
  return findings_from(json);
}

}  // namespace tessera::desktop
