// SPDX-License-Identifier: Apache-2.0
#include "pipeline/preset_store.hpp"

#include <QFile>
#include <QSaveFile>
#include <QStandardPaths>

#include "base/error.hpp"
#include "base/text.hpp"

namespace tessera::desktop {
namespace {

QString path_text(const std::filesystem::path& file) { return QFile::decodeName(file.c_str()); }

}  // namespace

PresetStore::PresetStore(std::filesystem::path file) : file_(std::move(file)) {}

std::filesystem::path PresetStore::default_file() {
  const QString folder = QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation);
  return std::filesystem::path(QFile::encodeName(folder).toStdString()) / "tessera" / "presets.json";
}

Json PresetStore::read() const {
  QFile file(path_text(file_));
  if (!file.exists()) {
    return Json{{"presets", Json::object()}};
  }
  if (!file.open(QIODevice::ReadOnly)) {
    throw Error(ErrorCode::io, "Cannot read the presets in '" + file_.string() +
                                   "': " + file.errorString().toStdString() + ".");
  }
  const std::string text = file.readAll().toStdString();
  static_cast<void>(parse_presets(text));
  return Json::parse(text);
}

Presets PresetStore::load() const { return parse_presets(read().dump()); }

void PresetStore::save(const std::string& name, const PipelineSteps& pipeline) const {
  if (name.empty() || name != preset_name(name)) {
    throw Error(ErrorCode::usage,
                "'" + name + "' cannot be the name of a preset: use letters, digits, '-' and '_'.");
  }
  Json json = read();
  json["presets"][name] = to_text(pipeline);
  write(json);
}

void PresetStore::remove(const std::string& name) const {
  Json json = read();
  json["presets"].erase(name);
  write(json);
}

void PresetStore::write(const Json& json) const {
  // A preset may use those above it, so one that is used by others cannot go: the file would make no sense.
  const std::string text = json.dump(2) + "\n";
  static_cast<void>(parse_presets(text));
  std::error_code failure;
  std::filesystem::create_directories(file_.parent_path(), failure);
  QSaveFile file(path_text(file_));
  if (!file.open(QIODevice::WriteOnly) || file.write(text.data(), static_cast<qint64>(text.size())) < 0 ||
      !file.commit()) {
    throw Error(ErrorCode::io, "Cannot write the presets to '" + file_.string() +
                                   "': " + file.errorString().toStdString() + ".");
  }
}

std::string preset_name(std::string_view typed) {
  std::string name;
  for (const char c : typed) {
    const bool plain =
        (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' || c == '_';
    if (plain) {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') {
    name.pop_back();
  }
  return name;
}

}  // namespace tessera::desktop
