// SPDX-License-Identifier: Apache-2.0
#include "jobs/local/local_run.hpp"

#include <fmt/format.h>

#include <QFile>

#include "base/error.hpp"
#include "codec/io/atomic_file.hpp"
#include "jobs/model/job_record.hpp"
#include "ports/result_names.hpp"
#include "process/process.hpp"

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

  ProcessOptions options;
  options.output = output_options_from_json(request.output);
  options.output.format = format_from_extension(result_extension(request));
  const auto solo = make_solo();
  const ProcessReport report =
      process_image(ImageInput::file(submission.file.string()), ImageOutput::file(result.file.string()),
                    build_pipeline(submission.pipeline, image_loader(read_options(options))), options,
                    {.comm = *solo,
                     .threads = threads,
                     .progress = [&](const Progress& now) { progress(now.fraction); },
                     .stop = stop});
  result.bytes = report.output_bytes;
  result.width_px = report.out.extent.width;
  result.height_px = report.out.extent.height;
  result.findings = report.run.findings;
  for (const std::string& warning : report.run.warnings) {
    result.warnings.append(QString::fromStdString(warning));
  }
  return result;
}

void write_findings(const fs::path& file, const std::vector<Findings>& lists) {
  make_folder(file.parent_path());
  AtomicFile out(file);
  const std::string text = findings_json(lists).dump();
  out.write(std::as_bytes(std::span(text)));
  out.commit();
}

std::vector<Findings> read_findings(const QString& file) {
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
  return findings_from_json(json);
}

}  // namespace tessera::desktop
