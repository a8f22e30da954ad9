// SPDX-License-Identifier: Apache-2.0
#include "codec/io/objects.hpp"

#include <algorithm>
#include <array>

#include "codec/common/module.hpp"

namespace tessera {

bool is_object_url(std::string_view name) {
  constexpr std::array<std::string_view, 4> schemes{"s3://", "gs://", "https://", "http://"};
  return std::ranges::any_of(schemes, [&](std::string_view scheme) { return name.starts_with(scheme); });
}

std::string_view object_path(std::string_view name) {
  return is_object_url(name) ? name.substr(0, name.find_first_of("?#")) : name;
}

std::string shown_name(const std::string& name) {
  return is_object_url(name) ? objects_module().shown(name) : name;
}

const ObjectsModule& objects_module() {
  static const ObjectsModule& module = *reinterpret_cast<ObjectsModuleEntry>(
      open_module(objects_module_file, objects_module_entry, "reads and writes objects"))();
  return module;
}

}  // namespace tessera
