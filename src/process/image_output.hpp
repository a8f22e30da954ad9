// SPDX-License-Identifier: Apache-2.0
// Where a result goes: a file, standard output, an object in a bucket, memory, nowhere.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/file_descriptor.hpp"
#include "codec/writer.hpp"
#include "process/object_transfers.hpp"
#include "schema/output_options.hpp"

namespace tessera {

class ResumableSink;

/// Named by its path, "-" for standard output; see AtomicFile for what is replaced and what is written into. Of a
/// format that is a folder of tiles it is that folder, or what describes it (codec/folder/target.hpp).
struct OutputFile {
  std::string path;
  /// Not empty: if this run ends before the result is complete, a later one goes on where it stopped, as far as the
  /// bytes of the result are the same (process/resume.hpp). Stands for the pipeline, with all that its operators read.
  std::string resume_key = {};
};
/// An object in a bucket, s3:// or gs://. It appears when it is complete, and replaces an older one.
struct OutputObject {
  std::string url;
};
/// A file whose parts ranks that cannot write into it upload, over `transfers`, which is there on every rank; such
/// parts stay holes in the file. Results with smaller levels are complete in the file.
struct OutputParts {
  std::string path;
  PartTransfers* transfers = nullptr;
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
  std::variant<NoOutput, OutputFile, OutputObject, OutputParts, OutputBytes, OutputPixels> to;
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
  /// Only the root's writes; other ranks encode. `resume_key`: of a ResumableSink; empty: the result is not resumed.
  /// Throws what open_sink() throws, and Error(usage) for a format that is not written.
  ResultSink(const ImageOutput& output, const ImageInfo& info, const Metadata& metadata,
             const OutputOptions& options, bool root, const std::string& resume_key = {});
  ResultSink(const ResultSink&) = delete;
  ResultSink& operator=(const ResultSink&) = delete;

  [[nodiscard]] Sink& sink() { return *sink_; }
  /// Not null: the result has smaller levels, to be made after the sink has finished.
  [[nodiscard]] Pyramid* pyramid();
  /// Not null: on the root, of a result that is resumed.
  [[nodiscard]] ResumableSink* resumable();
  /// On the root, once the sink has finished: hands over results in memory, and uploads objects. Returns the bytes of an encoded
  /// result, 0 where there is none.
  std::int64_t deliver();

 private:
  [[nodiscard]] FileFormat format(const OutputOptions& options) const;

  ImageOutput output_;
  std::unique_ptr<ObjectTransfers> object_;  ///< of an object
  FileDescriptor memory_file_;
  std::unique_ptr<Sink> sink_;
};

/// Writes a small file as a whole, as AtomicFile does. Throws Error(io).
void write_text(const std::string& file, const std::string& text);

}  // namespace tessera
