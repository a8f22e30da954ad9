// SPDX-License-Identifier: Apache-2.0
// scan PHOTO RESULT: makes a black-and-white scan of a photographed page, with progress, and says what a
// corner of it looks like.
#include <cstdio>
#include <tessera/tessera.hpp>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "Usage: scan PHOTO RESULT\n");
    return 2;
  }
  try {
    const tessera::Image photo = tessera::Image::open(argv[1]);
    const tessera::Image scan = photo.apply("median size=5 | otsu");

    tessera::RunSettings settings;
    settings.progress = [](const tessera::Progress& progress) {
      std::fprintf(stderr, "\r%3.0f %%", 100 * progress.fraction);
    };
    const tessera::Report report = scan.save(argv[2], {}, settings);
    std::fprintf(stderr, "\n");
    for (const std::string& warning : report.warnings) {
      std::fprintf(stderr, "Warning: %s\n", warning.c_str());
    }

    // Pixels of a part; no more is computed than it needs.
    const tessera::Pixels corner = photo.apply("gaussian-blur sigma=2").pixels({0, 0, 1, 1});
    std::printf("%lld x %lld pixels in %lld bytes; the first of the photo, blurred, has level %d\n",
                static_cast<long long>(report.output.extent.width),
                static_cast<long long>(report.output.extent.height),
                static_cast<long long>(report.output_bytes), static_cast<int>(corner.row(0)[0]));
    return 0;
  } catch (const tessera::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
