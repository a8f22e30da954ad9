// SPDX-License-Identifier: Apache-2.0
#include "codec/vips/vips.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

namespace tessera {
namespace {

const VipsModule& load() {
  std::string tried;
  for (const auto& place : vips_module_places()) {
    std::error_code failure;
    if (!std::filesystem::exists(place, failure)) {
      tried += fmt::format(" {}", place.string());
      continue;
    }
    void* const handle = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      throw Error(ErrorCode::internal,
                  fmt::format("The module that reads this kind of image does not load: {}. "
                              "Install the libvips package it was built with.",
                              ::dlerror()));
    }
    const auto entry = reinterpret_cast<VipsModuleEntry>(::dlsym(handle, vips_module_entry));
    if (entry == nullptr) {
      throw Error(
          ErrorCode::internal,
          fmt::format("The file {} is not Tessera's libvips module. Install Tessera anew.", place.string()));
    }
    return *entry();
  }
  throw Error(ErrorCode::internal,
              fmt::format("The module {} that reads this kind of image is not installed; looked "
                          "for it at{}. Install Tessera anew.",
                          vips_module_file, tried));
}

}  // namespace

std::vector<std::filesystem::path> vips_module_places() {
  namespace fs = std::filesystem;
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  std::vector<fs::path> places;
  // In a program that uses the shared library, the module lies beside that.
  Dl_info here{};
  if (::dladdr(reinterpret_cast<const void*>(&vips_module_places), &here) != 0 && here.dli_fname != nullptr) {
    const fs::path file = fs::canonical(here.dli_fname, failure);
    if (!failure && file != program) {
      places.push_back(file.parent_path() / "tessera" / vips_module_file);
      places.push_back(file.parent_path() / vips_module_file);
    }
  }
  const fs::path folder = program.parent_path();
  const fs::path prefix = folder.parent_path();
  places.insert(places.end(), {prefix / TESSERA_MODULE_LIBDIR / "tessera" / vips_module_file,
                               prefix / "lib" / "tessera" / vips_module_file,
                               prefix / "lib" / vips_module_file, folder / vips_module_file});
  return places;
}

const VipsModule& vips_module() {
  static const VipsModule& module = load();
  return module;
}

}  // namespace tessera
