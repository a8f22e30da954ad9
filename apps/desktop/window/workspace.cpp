// SPDX-License-Identifier: Apache-2.0
#include "window/workspace.hpp"

#include <fmt/format.h>

#include <QFile>
#include <QSaveFile>

#include "base/error.hpp"
#include "plan/pipeline.hpp"

namespace tessera::desktop {
namespace {

constexpr int format_version = 1;

Json to_json(const std::vector<PipelineItem>& items) {
  PipelineSteps steps;
  Json disabled = Json::array();
  for (const PipelineItem& item : items) {
    if (!item.enabled) {
      disabled.push_back(steps.size());
    }
    steps.push_back(item.step);
  }
  return {{"pipeline", tessera::to_json(steps)}, {"disabled", std::move(disabled)}};
}

std::vector<PipelineItem> items_from_json(const Json& json) {
  std::vector<PipelineItem> items;
  for (const PipelineStep& step : pipeline_from_json(json.at("pipeline"))) {
    items.push_back({0, step, true});
  }
  for (const Json& index : json.at("disabled")) {
    items.at(index.get<std::size_t>()).enabled = false;
  }
  return items;
}

Workspace workspace_from_json(const Json& json) {
  Workspace workspace;
  workspace.shared = items_from_json(json.at("shared"));
  for (const Json& image : json.at("images")) {
    const QString file = QString::fromStdString(image.at("file").get<std::string>());
    workspace.images.push_back({QFile::encodeName(file).toStdString()});
    if (image.contains("own")) {
      workspace.images.back().own = items_from_json(image.at("own"));
    }
  }
  return workspace;
}

}  // namespace

Workspace read_workspace(const QString& file) {
  QFile opened(file);
  if (!opened.open(QIODevice::ReadOnly)) {
    throw Error(opened.exists() ? ErrorCode::io : ErrorCode::not_found,
                fmt::format("Cannot read the workspace '{}': {}.", file.toStdString(),
                            opened.errorString().toStdString()));
  }
  const auto refuse = [&](const std::string& reason) {
    throw Error(ErrorCode::usage, fmt::format("'{}' cannot be opened: {}", file.toStdString(), reason));
  };
  try {
    const Json json = Json::parse(opened.readAll().toStdString());
    if (json.at("tessera-workspace").get<int>() > format_version) {
      refuse("it was saved by a newer version of Tessera.");
    }
    return workspace_from_json(json);
  } catch (const Json::exception&) {
    refuse("it is not a workspace that Tessera has saved, or it is damaged.");
  } catch (const std::out_of_range&) {
    refuse("it is damaged.");
  }
  return {};
}

void write_workspace(const QString& file, const Workspace& workspace) {
  Json images = Json::array();
  for (const Workspace::Image& image : workspace.images) {
    images.push_back({{"file", QFile::decodeName(image.file.c_str()).toStdString()}});
    if (image.own) {
      images.back()["own"] = to_json(*image.own);
    }
  }
  const Json json{{"tessera-workspace", format_version},
                  {"shared", to_json(workspace.shared)},
                  {"images", std::move(images)}};
  const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  QSaveFile saved(file);
  if (!saved.open(QIODevice::WriteOnly) || saved.write(text.data(), static_cast<qint64>(text.size())) < 0 ||
      !saved.commit()) {
    throw Error(ErrorCode::io, fmt::format("Cannot write the workspace to '{}': {}.", file.toStdString(),
                                           saved.errorString().toStdString()));
  }
}

}  // namespace tessera::desktop
