// SPDX-License-Identifier: Apache-2.0
// Where a result goes: a file, standard output, an object in a bucket, memory, nowhere.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/file_descriptor.hpp"
#include "codec/writer.hpp"
#include "schema/output_options.hpp"

namespace tessera {

/// Named by its path, "-" for standard output; see AtomicFile for what is replaced and what is written into. Of a
/// format that is a folder of tiles it is that folder, or what describes it (codec/folder/target.hpp).
struct OutputFile {
  std::string path;
};
/// An object in a bucket, s3:// or gs://. It appears when it is complete, and replaces an older one.
struct OutputObject {
  std::string url;
};
/// An encoded image in memory, on the root alone.
struct OutputBytes {
  Bytes* bytes = nullptr;
};
/// Pixels in memory, on the root alone.
struct OutputPixels {
  Tile* pixels = nullptr;
};
/// No picture: for what operators find.
struct NoOutput {};

struct ImageOutput {
  std::variant<NoOutput, OutputFile, OutputObject, OutputBytes, OutputPixels> to;
  std::string name = {};  ///< in sentences and reports; empty: the path

  /// An empty path: no picture. It may be the URL of an object.
  [[nodiscard]] static ImageOutput file(std::string path);
};

/// The format of the file `path`: what the options say, else what its extension says; PNG for "-". Throws
/// Error(usage) for an extension of no format that is written.
[[nodiscard]] FileFormat result_format(const std::string& path, const OutputOptions& options);

/// Extension, without its dot, of a result of `input` that is named after it: of the options' format, else of
/// the input if such files can be written, else png.
[[nodiscard]] std::string result_extension(const std::string& input, const OutputOptions& options);

/// A result's sink on one rank.
class ResultSink {
 public:
  /// Only the root's writes; other ranks encode. Throws what open_sink() throws, and Error(usage) for a
  /// format that is not written.
  ResultSink(const ImageOutput& output, const ImageInfo& info, const Metadata& metadata,
             const OutputOptions& options, bool root);
  ResultSink(const ResultSink&) = delete;
  ResultSink& operator=(const ResultSink&) = delete;

  [[nodiscard]] Sink& sink() { return *sink_; }
  /// Not null: the result has smaller levels, to be made after the sink has finished.
  [[nodiscard]] Pyramid* pyramid();
  /// On the root, once the sink has finished: hands over results in memory, and uploads objects. Returns the bytes of an encoded
  /// result, 0 where there is none.
  std::int64_t deliver();

 private:
  [[nodiscard]] FileFormat format(const OutputOptions& options) const;

  ImageOutput output_;
  FileDescriptor memory_file_;
  std::unique_ptr<Sink> sink_;
};

/// Writes a small file as a whole, as AtomicFile does. Throws Error(io).
void write_text(const std::string& file, const std::string& text);

}  // namespace tessera
