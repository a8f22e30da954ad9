// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/written_stream.hpp"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <memory>

#include "base/error.hpp"

namespace tessera {
namespace {

TiffOutputStream& stream_of(thandle_t handle) { return *static_cast<TiffOutputStream*>(handle); }

}  // namespace

TIFF* TiffOutputStream::open(const char* mode) {
  // What libtiff would print is said in our errors.
  const auto silent = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> quietly(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(quietly.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(quietly.get(), silent, nullptr);
  TIFF* const tiff = TIFFClientOpenExt(
      "result.tif", mode, this,
      [](thandle_t self, void* to, tmsize_t count) {
        return stream_of(self).read({static_cast<std::byte*>(to), static_cast<std::size_t>(count)});
      },
      [](thandle_t self, void* from, tmsize_t count) {
        return stream_of(self).write({static_cast<const std::byte*>(from), static_cast<std::size_t>(count)});
      },
      [](thandle_t self, toff_t offset, int whence) {
        TiffOutputStream& stream = stream_of(self);
        const auto by = static_cast<std::int64_t>(offset);
        stream.position_ = whence == SEEK_SET   ? by
                           : whence == SEEK_CUR ? stream.position_ + by
                                                : stream.file_.size() + by;
        return static_cast<toff_t>(stream.position_);
      },
      [](thandle_t) { return 0; },
      [](thandle_t self) { return static_cast<toff_t>(stream_of(self).file_.size()); },
      [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, quietly.get());
  if (tiff == nullptr) {
    rethrow_failure();
    throw Error(ErrorCode::io, "Cannot begin the TIFF file.");
  }
  return tiff;
}

void TiffOutputStream::rethrow_failure() const {
  if (failure_) {
    std::rethrow_exception(failure_);
  }
}

tmsize_t TiffOutputStream::write(std::span<const std::byte> bytes) {
  const auto count = static_cast<std::int64_t>(bytes.size());
  try {
    if (!skip_) {
      file_.write_at(position_, bytes);
    } else if (position_ == file_.size()) {
      file_.skip(count);
    } else {
      throw Error(ErrorCode::internal, "libtiff does not append a tile where the file ends.");
    }
  } catch (...) {
    failure_ = std::current_exception();
    return -1;
  }
  position_ += count;
  return static_cast<tmsize_t>(count);
}

/// libtiff reads back what it has written of its directories.
tmsize_t TiffOutputStream::read(std::span<std::byte> to) {
  const ssize_t count = pread(file_.descriptor(), to.data(), to.size(), position_);
  position_ += count > 0 ? count : 0;
  return count;
}

}  // namespace tessera
