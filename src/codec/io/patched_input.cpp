// SPDX-License-Identifier: Apache-2.0
#include "codec/io/patched_input.hpp"

#include <algorithm>

namespace tessera {
namespace {

class PatchedInput final : public Input {
 public:
  PatchedInput(std::shared_ptr<const Input> input, std::int64_t offset, Bytes bytes)
      : Input(input->name(), input->size()),
        input_(std::move(input)),
        offset_(offset),
        bytes_(std::move(bytes)) {}

  std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const override {
    const std::size_t got = input_->read_at(offset, to);
    const std::int64_t begin = std::max(offset, offset_);
    const std::int64_t end =
        std::min(offset + static_cast<std::int64_t>(got), offset_ + static_cast<std::int64_t>(bytes_.size()));
    if (begin < end) {
      std::copy(bytes_.begin() + (begin - offset_), bytes_.begin() + (end - offset_),
                to.begin() + (begin - offset));
    }
    return got;
  }
  void read_ahead(std::span<const ByteSpan> spans, std::int64_t max_bytes) const override {
    input_->read_ahead(spans, max_bytes);
  }

 private:
  std::shared_ptr<const Input> input_;
  std::int64_t offset_;
  Bytes bytes_;
};

}  // namespace

std::shared_ptr<const Input> make_patched_input(std::shared_ptr<const Input> input, std::int64_t offset,
                                                Bytes bytes) {
  return std::make_shared<PatchedInput>(std::move(input), offset, std::move(bytes));
}

}  // namespace tessera
