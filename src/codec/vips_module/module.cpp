// SPDX-License-Identifier: Apache-2.0
// The only files that include libvips are in this folder.
#include "codec/vips_module/module.hpp"

#include <vips/vips.h>

#include <string_view>

#include "codec/vips_module/vips_source.hpp"

namespace tessera {
namespace {

class Module final : public VipsModule {
 public:
  Module() {
    if (vips_init("tessera") != 0) {
      throw Error(ErrorCode::internal, "libvips does not start: " + take_vips_message());
    }
    // The engine owns the threads, and a file is read once: nothing to gain from either.
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    vips_block_untrusted_set(TRUE);
    // What is damage is decided by fail_on; warnings would only find their way to standard error.
    const auto ignore = [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {};
    for (const char* domain : {"VIPS", "GLib-GObject"}) {
      g_log_set_handler(domain, static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE),
                        ignore, nullptr);
    }
  }

  VipsOpened open(std::shared_ptr<const Input> input, ImageFormat format,
                  const ReadOptions& options) const override {
    return open_with_vips(std::move(input), format, options);
  }
};

}  // namespace
}  // namespace tessera

extern "C" __attribute__((visibility("default"))) const tessera::VipsModule* tessera_vips_module() {
  static const tessera::Module module;
  return &module;
}
