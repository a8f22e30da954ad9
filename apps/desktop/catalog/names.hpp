// SPDX-License-Identifier: Apache-2.0
// The catalogue as people read it.
#pragma once

#include <QString>
#include <string_view>

#include "ops/catalog.hpp"

namespace tessera::desktop {

[[nodiscard]] inline QString to_qstring(std::string_view text) {
  return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}
/// "some-name" becomes "Some name".
[[nodiscard]] QString title_of(std::string_view name);
/// A unit of the schema as it stands behind a number.
[[nodiscard]] QString unit_text(std::string_view unit);
/// Whether the parameter is one of those every neighbourhood operator has to say what lies outside the
/// picture: forms keep them out of the way.
[[nodiscard]] bool is_border_param(const ParamInfo& param);
/// Whether a text parameter names an image: told by trying, with a loader that only listens.
[[nodiscard]] bool names_image(const CatalogEntry& entry, const ParamInfo& param);

}  // namespace tessera::desktop
