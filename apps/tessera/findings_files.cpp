// SPDX-License-Identifier: Apache-2.0
#include "findings_files.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "process/image_output.hpp"

namespace tessera::cli {

bool FindingsFiles::in_folder() const {
  std::error_code ignored;
  return target_.ends_with('/') || std::filesystem::is_directory(target_, ignored);
}

void FindingsFiles::prepare(const std::vector<WorkItem>& work) {
  if (target_.empty()) {
    return;
  }
  std::vector<std::string> inputs;
  for (const WorkItem& item : work) {
    inputs.push_back(item.input);
  }
  const InputFiles read(inputs);
  if (!in_folder()) {
    check_writable(target_, replace_, read);
    at_end_ = is_stream_output(target_);
    return;
  }
  std::error_code failure;
  std::filesystem::create_directories(target_, failure);
  if (failure) {
    throw Error(ErrorCode::io, fmt::format("Cannot make the folder '{}': {}.", target_, failure.message()),
                target_);
  }
  std::set<std::string> names;
  for (const WorkItem& item : work) {
    const std::string name = name_beside(item.input, target_, "json");
    if (!names.insert(name).second) {
      throw Error(
          ErrorCode::usage,
          fmt::format("The findings of two inputs would both be written to '{}': give --findings a file "
                      "for all.",
                      name));
    }
    check_writable(name, replace_, read);
  }
}

void FindingsFiles::write(const ImageReport& report) {
  if (target_.empty()) {
    return;
  }
  if (in_folder()) {
    write_text(name_beside(report.item.input, target_, "json"), dump(image_findings_json(report)));
    return;
  }
  findings_.push_back(image_findings_json(report));
  if (!at_end_) {
    write_text(target_, text());
  }
}

void FindingsFiles::finish() {
  if (at_end_ && !findings_.empty()) {
    write_text(target_, text());
  }
}

std::string FindingsFiles::text() const {
  return dump(findings_.size() == 1 ? findings_.front() : Json(findings_));
}

}  // namespace tessera::cli
