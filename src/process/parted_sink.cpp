// SPDX-License-Identifier: Apache-2.0
#include "process/parted_sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace tessera {
namespace {

[[noreturn]] void fail(const std::string& name) {
  throw Error(ErrorCode::io,
              fmt::format("Cannot write '{}': its temporary file cannot be used ({}).", name,
                          std::generic_category().message(errno)),
              name);
}

}  // namespace

PartedSink::PartedSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata,
                       const WriteOptions& options, PartTransfers& transfers)
    : transfers_(transfers),
      descriptor_(file->descriptor()),
      name_(file->name()),
      has_levels_(options.tiff.pyramid),
      sink_(open_sink(std::move(file), info, metadata, options)) {}

PartedSink::PartedSink(const ImageInfo& info, const WriteOptions& options, PartTransfers& transfers)
    : transfers_(transfers), has_levels_(options.tiff.pyramid), sink_(make_encoder(info, options)) {}

SharedOutput* PartedSink::shared() {
  file_ = sink_->shared();
  return file_ == nullptr ? nullptr : this;
}

void PartedSink::read_local(std::int64_t offset, std::span<std::byte> to) {
  for (std::size_t done = 0; done < to.size();) {
    const ssize_t count =
        ::pread(descriptor_, to.data() + done, to.size() - done, offset + static_cast<std::int64_t>(done));
    if (count <= 0 && (count == 0 || errno != EINTR)) {
      fail(name_);
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
  }
}

void PartedSink::write_local(std::int64_t offset, std::span<const std::byte> bytes) {
  if (!pwrite_all(descriptor_, offset, bytes)) {
    fail(name_);
  }
}

}  // namespace tessera
