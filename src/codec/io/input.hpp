// SPDX-License-Identifier: Apache-2.0
// The encoded bytes of an image: a file or a piece of memory, read at any place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace tessera {

/// Bytes of an input.
struct ByteSpan {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
  bool operator==(const ByteSpan&) const = default;
};
/// Adds a span, as a part of the last where it continues that.
void append_span(std::vector<ByteSpan>& spans, const ByteSpan& span);

class Input {
 public:
  virtual ~Input() = default;
  /// What to call it in sentences: 'photo.jpg'.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Fills `to` from `offset` and returns the bytes read, fewer only at the end. Offsets past the end read
  /// nothing. Safe from several threads. Throws Error(io).
  virtual std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const = 0;
  /// Whether all of `to` could be filled.
  [[nodiscard]] bool read_all_at(std::int64_t offset, std::span<std::byte> to) const {
    return read_at(offset, to) == to.size();
  }
  /// These will be read soon, in this order, after those that were announced before: where reading waits for a disk or
  /// a network, begins to fetch them, up to `max_bytes` that are not read yet, and returns without waiting. Only a
  /// hint: what fails meanwhile is reported by reading. Safe from several threads.
  virtual void read_ahead(std::span<const ByteSpan> /*spans*/, std::int64_t /*max_bytes*/) const {}

 protected:
  Input(std::string name, std::int64_t size) : name_(std::move(name)), size_(size) {}
  void set_size(std::int64_t size) { size_ = size; }

 private:
  std::string name_;
  std::int64_t size_;
};

/// Opens a regular file. Throws Error: not_found, io (no permission), unsupported_input (a directory, a
/// device, a pipe).
/// `name` is what sentences call it.
[[nodiscard]] std::shared_ptr<const Input> open_file_input(const std::filesystem::path& path,
                                                           const std::string& name);

/// The same of a file that is open already; `descriptor` stays the caller's and is no longer needed. `name`
/// as above.
[[nodiscard]] std::shared_ptr<const Input> open_descriptor_input(int descriptor, const std::string& name);

/// `bytes` are kept.
[[nodiscard]] std::shared_ptr<const Input> make_memory_input(Bytes bytes, std::string name);

/// `bytes` must outlive the input.
[[nodiscard]] std::shared_ptr<const Input> make_view_input(std::span<const std::byte> bytes,
                                                           std::string name);

/// Reads an input from front to back with a buffer of its own.
class InputStream {
 public:
  explicit InputStream(std::shared_ptr<const Input> input, std::int64_t offset = 0);
  [[nodiscard]] const Input& input() const { return *input_; }
  [[nodiscard]] std::int64_t position() const { return buffer_offset_ + static_cast<std::int64_t>(at_); }
  /// The bytes at the position, at least one unless the end is reached. Valid until the next call.
  [[nodiscard]] std::span<const std::byte> peek();
  /// Moves on, at most to past what peek() gave.
  void consume(std::size_t bytes) { at_ += bytes; }
  /// The next byte, or -1 at the end.
  int get();
  /// Returns the bytes read, fewer only at the end.
  std::size_t read(std::span<std::byte> to);
  void seek(std::int64_t offset);

 private:
  std::shared_ptr<const Input> input_;
  Bytes buffer_;
  std::int64_t buffer_offset_ = 0;
  std::size_t filled_ = 0;
  std::size_t at_ = 0;
};

}  // namespace tessera
