// SPDX-License-Identifier: Apache-2.0
// What libraries say of an image, in words for people.
#pragma once

#include <cstdint>
#include <string_view>

namespace tessera {

enum class Fault : std::uint8_t { damage, unsupported, limit };

struct ReasonInWords {
  Fault fault = Fault::damage;
  std::string_view words;  ///< to follow "it is damaged: ..." or "it cannot be read: ..."
};

/// Of a message of libtiff, libvips or libheif. What is not known is damage that cannot be told more of.
[[nodiscard]] ReasonInWords reason_in_words(std::string_view message);

}  // namespace tessera
