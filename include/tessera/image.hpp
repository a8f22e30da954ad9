// SPDX-License-Identifier: Apache-2.0
// Images: opened, put through pipelines, and written or read as pixels.
//
//   tessera::Image::open("photo.jpg").apply("median size=5 | otsu").save("scan.png");
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/error.hpp"
#include "tessera/export.hpp"
#include "tessera/geometry.hpp"
#include "tessera/pipeline.hpp"
#include "tessera/pixels.hpp"
#include "tessera/report.hpp"

namespace tessera {

class Communicator;

/// How an image is opened, and what it may cost.
struct OpenOptions {
  /// True: of a damaged image, what can be read is used, and the report's warnings say what is missing.
  bool salvage = false;
  /// Limits other than the defaults, by the names of the command line's options: {"max-pixels", 500'000'000},
  /// {"max-memory", ...}. 'tessera apply --help' lists them.
  std::map<std::string, std::int64_t> limits = {};
  int page = 0;      ///< of a TIFF with several pictures, from 1; 0: the first
  int overview = 0;  ///< of a TIFF with smaller levels: 1 for the largest of them; 0: the picture itself
};

/// How an image is encoded.
struct SaveOptions {
  std::string format = {};  ///< "png", "jpg", "tif" or "webp"; empty: by the file's name, PNG in memory
  int quality = 0;          ///< of JPEG and WebP, 1 to 100; 0: the format's default
  std::string strip = {};   ///< leaves metadata out: "all" (EXIF, XMP, IPTC) or "location"; empty: none
  /// Of TIFF, as all below: "none", "lzw", "deflate", "zstd", "jpeg" or "webp"; empty: deflate.
  std::string compression = {};
  int level = 0;         ///< of deflate, 1 to 12, or zstd, 1 to 22; 0: fast
  int tile = 0;          ///< side of a tile in pixels, a multiple of 16 from 64 to 4096; 0: 256
  bool bigtiff = false;  ///< even where a classic TIFF would do
  /// Smaller levels too, each half as large, as a Cloud Optimized GeoTIFF.
  bool pyramid = false;
};

/// How the work is done.
struct RunSettings {
  int threads = 0;  ///< 0: as many as this process may use
  /// Called from any thread, one call at a time, on rank 0. Must not throw.
  std::function<void(const Progress&)> progress = {};
  /// When a stop is requested, the call ends with Error(cancelled), and nothing is written.
  std::stop_token stop = {};
  /// Ranks that work on the image together: see tessera/mpi.hpp. Null: this process alone. With several ranks
  /// the call is collective: all make it, with the same image, pipeline and options.
  std::shared_ptr<Communicator> communicator = {};
};

/// An image that is opened, with the operators that will be applied to it. Nothing is computed before pixels
/// are asked for or the result is saved; whatever the number of threads and ranks, the result has the same
/// bytes. A value: copies share what they hold. Different threads may use the same image at once.
class TESSERA_API Image {
 public:
  /// Reads the header of a file; "-" is standard input. Also of an object by its URL: s3://BUCKET/NAME,
  /// gs://BUCKET/NAME or https://...; then also throws Error(forbidden, unavailable). Throws Error(not_found, io, unsupported_input,
  /// damaged_input, limit_exceeded). The file must not change while the image is used.
  [[nodiscard]] static Image open(const std::filesystem::path& file, const OpenOptions& options = {});
  /// The same for an encoded image in memory. `name` is what errors call it.
  [[nodiscard]] static Image from_bytes(std::vector<std::byte> bytes, const OpenOptions& options = {},
                                        const std::string& name = "the input");
  /// Pixels without alpha are not copied and must not change while the image is used. `options` bounds what
  /// their processing may cost. Throws Error(usage) for pixels that there are none of.
  [[nodiscard]] static Image from_pixels(const Pixels& pixels, const OpenOptions& options = {});

  /// Size and pixel format of the result.
  [[nodiscard]] const ImageInfo& info() const;
  /// The operators that will be applied.
  [[nodiscard]] const Pipeline& pipeline() const;

  /// This image with more operators. Throws Error(bad_parameter, unsupported_input, limit_exceeded) if they
  /// do not suit the image. The second parses the pipeline first.
  [[nodiscard]] Image apply(const Pipeline& pipeline) const;
  [[nodiscard]] Image apply(std::string_view pipeline) const;

  /// The pixels of the result; on ranks other than 0 there are none. `report` may be null. Throws Error.
  [[nodiscard]] Pixels pixels(const RunSettings& settings = {}, Report* report = nullptr) const;
  /// A part of the result, which must lie inside it. Only what this part needs is computed, unless an
  /// operator looks at the whole image: then the whole result is computed once and kept with this image.
  /// `settings.communicator` is not used. Throws Error(usage) for a part that is not inside.
  [[nodiscard]] Pixels pixels(const Rect& part, const RunSettings& settings = {}) const;

  /// Writes the result to a file, or to an object by its URL (s3://, gs://); it appears whole, or not at all.
  /// Throws Error.
  Report save(const std::filesystem::path& file, const SaveOptions& options = {},
              const RunSettings& settings = {}) const;
  /// The encoded result; on ranks other than 0 there is none. `report` may be null. Throws Error.
  [[nodiscard]] std::vector<std::byte> encode(const SaveOptions& options = {},
                                              const RunSettings& settings = {},
                                              Report* report = nullptr) const;
  /// What operators find, without a picture. Throws Error.
  [[nodiscard]] Report find(const RunSettings& settings = {}) const;

 private:
  struct State;
  explicit Image(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace tessera
