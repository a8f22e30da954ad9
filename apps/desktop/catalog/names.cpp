// SPDX-License-Identifier: Apache-2.0
#include "catalog/names.hpp"

#include <QCoreApplication>
#include <QRegularExpression>

namespace tessera::desktop {
namespace {

struct AnyBordered : Bordered {};

}  // namespace

QString title_of(std::string_view name) {
  QString title = to_qstring(name);
  title.replace(u'-', u' ');
  static const QRegularExpression acronym(QStringLiteral("\\brgb\\b"));
  title.replace(acronym, QStringLiteral("RGB"));
  if (!title.isEmpty()) {
    title[0] = title[0].toUpper();
  }
  return title;
}

QString unit_text(std::string_view unit) {
  return unit == "degrees" ? QStringLiteral("°")
         : unit == "level" ? QCoreApplication::translate("catalog", "levels")
                           : to_qstring(unit);
}

bool is_border_param(const ParamInfo& param) {
  return std::apply([&](const auto&... border) { return ((border.name == param.name) || ...); },
                    border_params<AnyBordered>());
}

bool names_image(const CatalogEntry& entry, const ParamInfo& param) {
  if (param.type != ParamType::text) {
    return false;
  }
  const std::string probe = "tessera-probe";
  bool asked = false;
  try {
    static_cast<void>(entry.make({{param.name, probe}}, [&](const std::string& name) {
      asked = asked || name == probe;
      return Tile::allocate({0, 0, 1, 1}, {});
    }));
  } catch (const Error&) {
    return asked;
  }
  return asked;
}

}  // namespace tessera::desktop
