// What the result of a job is called, wherever it is made.
#pragma once

#include <string>
#include <string_view>

#include "ports/job.hpp"

namespace tessera {

/// "photo-gaussian-blur-otsu.png": the input's name, what was done to it, and the format of the result.
[[nodiscard]] std::string result_file_name(const JobRequest& request);
/// "png", "jpg", "tif" or "webp": what the request asks for, or what the input's name says, or png.
[[nodiscard]] std::string result_extension(const JobRequest& request);
[[nodiscard]] std::string content_type_of(std::string_view extension);
/// Where the result of a job lies in the object store. Generation and attempt are part of the name, so that
/// who is late with removing or storing an older one never touches a newer one.
[[nodiscard]] std::string result_object_name(const Job& job);

}  // namespace tessera
