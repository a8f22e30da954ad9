// SPDX-License-Identifier: Apache-2.0
// An AtomicFile as libtiff writes it.
#pragma once

#include <tiffio.h>

#include <exception>
#include <span>

#include "codec/io/atomic_file.hpp"

namespace tessera {

class TiffOutputStream {
 public:
  /// `file` must outlive it.
  explicit TiffOutputStream(AtomicFile& file) : file_(file) {}
  /// In one of libtiff's modes, "wl8". The caller closes it, before this object ends. Throws Error(io).
  [[nodiscard]] TIFF* open(const char* mode);
  /// True: what libtiff appends is only counted, because somebody else writes it.
  void skip_writes(bool skip) { skip_ = skip; }
  /// Throws what writing into the file has thrown, which libtiff only tells as a failure.
  void rethrow_failure() const;

 private:
  tmsize_t write(std::span<const std::byte> bytes);
  tmsize_t read(std::span<std::byte> to);

  AtomicFile& file_;
  std::int64_t position_ = 0;
  bool skip_ = false;
  std::exception_ptr failure_;
};

}  // namespace tessera
