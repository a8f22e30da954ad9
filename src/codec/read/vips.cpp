#include "codec/read/vips.hpp"

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
  std::error_code failure;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", failure).parent_path();
  const auto prefix = folder.parent_path();
  return {prefix / TESSERA_MODULE_LIBDIR / "tessera" / vips_module_file,
          prefix / "lib" / "tessera" / vips_module_file, prefix / "lib" / vips_module_file,
          folder / vips_module_file};
}

const VipsModule& vips_module() {
  static const VipsModule& module = load();
  return module;
}

}  // namespace tessera
