// SPDX-License-Identifier: Apache-2.0
// IPTC-IIM (captions, keywords, authors of press photographs) and the Photoshop resources that hold it in
// files.
#pragma once

#include <span>

#include "base/bytes.hpp"

namespace tessera {

/// The IPTC datasets in Photoshop image resources ("8BIM"), or bytes that are such datasets already. Empty if
/// there are none.
[[nodiscard]] Bytes iptc_from_photoshop(std::span<const std::byte> resources);

/// The datasets as the one image resource.
[[nodiscard]] Bytes photoshop_from_iptc(const Bytes& iptc);

/// Without the datasets that name a place (city, sublocation, province, country and their codes). Empty if
/// what follows cannot be understood.
[[nodiscard]] Bytes iptc_without_location(const Bytes& iptc);

}  // namespace tessera
