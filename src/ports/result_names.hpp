// SPDX-License-Identifier: Apache-2.0
// Names of the result of a job.
#pragma once

#include <string>
#include <string_view>

#include "ports/job.hpp"

namespace tessera {

/// "photo-gaussian-blur-otsu.png": the input's name, what was done to it, and the format of the result.
[[nodiscard]] std::string result_file_name(const JobRequest& request);
/// "png", "jpg", "tif" or "webp": the format that the request names, else the one of the input's extension,
/// else png.
[[nodiscard]] std::string result_extension(const JobRequest& request);
[[nodiscard]] std::string content_type_of(std::string_view extension);
/// The result's object name. Generation and attempt are part of it, so that a delayed removal or upload of an
/// older result never affects a newer one.
[[nodiscard]] std::string result_object_name(const Job& job);

}  // namespace tessera
