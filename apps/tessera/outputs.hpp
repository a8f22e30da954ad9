// Where results go: picture files, standard output, text files.
#pragma once

#include <memory>
#include <string>

#include "apply.hpp"
#include "core/stream.hpp"
#include "work.hpp"

namespace tessera::cli {

/// Extension, without its dot, of the result of `input` when a folder is given: that of --format, else of the
/// input if such files can be written, else png.
[[nodiscard]] std::string result_extension(const std::string& input, const ApplyOptions& options);

/// The sink of a result on one rank; only the root's writes. Throws Error(usage) for a format that is not
/// written.
[[nodiscard]] std::unique_ptr<Sink> open_output(const WorkItem& item, const ImageInfo& info,
                                                const Metadata& metadata, const ApplyOptions& options,
                                                bool root);

/// Bytes of the result, after its sink has finished; 0 where there is no picture.
[[nodiscard]] std::int64_t written_bytes(const Sink& sink);

/// Writes a small file as a whole, as AtomicFile does. Throws Error(io).
void write_text(const std::string& file, const std::string& text);

}  // namespace tessera::cli
