// SPDX-License-Identifier: Apache-2.0
#include "codec/common/module.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string>
#include <system_error>

#include "base/error.hpp"

namespace tessera {

std::vector<std::filesystem::path> module_places(std::string_view file) {
  namespace fs = std::filesystem;
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  std::vector<fs::path> places;
  // In a program that uses the shared library, the module lies beside that.
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&module_places), &here) != 0 && here.dli_fname != nullptr) {
    const fs::path self = fs::canonical(here.dli_fname, failure);
    if (!failure && self != program) {
      places.push_back(self.parent_path() / "tessera" / file);
      places.push_back(self.parent_path() / file);
    }
  }
  const fs::path folder = program.parent_path();
  const fs::path prefix = folder.parent_path();
  places.insert(places.end(), {prefix / TESSERA_MODULE_LIBDIR / "tessera" / file,
                               prefix / "lib" / "tessera" / file, prefix / "lib" / file, folder / file});
  return places;
}

void* open_module(std::string_view file, const char* entry, std::string_view purpose) {
  std::string tried;
  for (const auto& place : module_places(file)) {
    std::error_code failure;
    if (!std::filesystem::exists(place, failure)) {
      tried += fmt::format(" {}", place.string());
      continue;
    }
    void* const handle = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      throw Error(
          ErrorCode::internal,
          fmt::format("The module that {} does not load: {}. Install the packages that Tessera depends "
                      "on.",
                      purpose, ::dlerror()));
    }
    if (void* const function = ::dlsym(handle, entry)) {
      return function;
    }
    throw Error(ErrorCode::internal,
                fmt::format("The file {} is not Tessera's module that {}. Install Tessera anew.",
                            place.string(), purpose));
  }
  throw Error(ErrorCode::internal,
              fmt::format("The module {} that {} is not installed; looked for it at{}. Install Tessera anew.",
                          file, purpose, tried));
}

}  // namespace tessera
