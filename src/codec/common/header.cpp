// SPDX-License-Identifier: Apache-2.0
#include "codec/common/header.hpp"

#include <fmt/format.h>

namespace tessera {

void check_extent(const Input& input, const ReadLimits& limits, std::int64_t width, std::int64_t height) {
  if (width <= 0 || height <= 0) {
    throw Error(ErrorCode::damaged_input,
                fmt::format("The image {} says that it is {} x {} pixels, which is no image.", input.name(),
                            width, height),
                input.name());
  }
  if (width > limits.max_side_px || height > limits.max_side_px) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image {} is {} x {} pixels; no side may be longer than {} (max-side).",
                            input.name(), width, height, limits.max_side_px),
                input.name());
  }
  if (width > limits.max_pixels / height) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image {} is {} x {} pixels; at most {} pixels are allowed (max-pixels).",
                            input.name(), width, height, limits.max_pixels),
                input.name());
  }
}

void check_size(const Input& input, const ReadLimits& limits, const ImageInfo& info,
                std::int64_t packed_bytes, Delivery delivery) {
  check_extent(input, limits, info.extent.width, info.extent.height);
  const std::int64_t free =
      delivery == Delivery::held ? limits.expansion_free_bytes / 6 : limits.expansion_free_bytes;
  if (packed_bytes > free && packed_bytes / limits.max_expansion > input.size()) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("The image {} says that it is {} x {} pixels, but the file has only {} bytes. Files of "
                    "this size may not expand to more than {} bytes for each of their own; it is taken for "
                    "a decompression bomb. If it is really blank, raise the limit (max-expansion).",
                    input.name(), info.extent.width, info.extent.height, input.size(), limits.max_expansion),
        input.name());
  }
}

void check_buffered(const Input& input, const ReadLimits& limits, std::int64_t bytes, std::string_view what) {
  if (bytes > limits.max_buffered_bytes) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format(
            "The image {} is {}, which has to be held whole and takes {} bytes; the limit is {} (max-buffered). "
            "Store it in a form that can be read row by row.",
            input.name(), what, bytes, limits.max_buffered_bytes),
        input.name());
  }
}

void check_frames(const Input& input, const ReadLimits& limits, std::int64_t frames) {
  if (frames > limits.max_frames) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image {} has {} frames or pages; at most {} are allowed.", input.name(),
                            frames, limits.max_frames),
                input.name());
  }
}

void MetadataBudget::add_item(std::int64_t bytes) {
  bytes_ += bytes;
  ++items_;
  if (bytes_ > limits_->max_metadata_bytes) {
    exceeded();
  }
  if (items_ > limits_->max_metadata_items) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("The image {} has more than {} pieces of metadata (texts, profiles, EXIF). Strip them.",
                    input_->name(), limits_->max_metadata_items),
        input_->name());
  }
}

void MetadataBudget::exceeded() const {
  throw Error(
      ErrorCode::limit_exceeded,
      fmt::format("The metadata of the image {} (profiles, EXIF, texts) take more than {} bytes. Strip them.",
                  input_->name(), limits_->max_metadata_bytes),
      input_->name());
}

namespace {

constexpr std::string_view salvage_advice = " Reading with salvage may use a part of it.";

/// The others are decoded whole or not at all.
bool can_be_read_in_part(ImageFormat format) {
  return format != ImageFormat::webp && format != ImageFormat::heif && format != ImageFormat::avif;
}

}  // namespace

Error damaged(const Input& input, ImageFormat format, std::string_view detail) {
  return {ErrorCode::damaged_input,
          fmt::format("The {} image {} is damaged: {}.{}", format_name(format), input.name(), detail,
                      can_be_read_in_part(format) ? salvage_advice : ""),
          input.name()};
}

Error without_salvage_advice(const Error& error) {
  std::string sentence = error.what();
  if (sentence.ends_with(salvage_advice)) {
    sentence.resize(sentence.size() - salvage_advice.size());
  }
  return {error.code(), std::move(sentence), error.subject()};
}

std::string only_first_is_used(std::int64_t count, std::string_view what) {
  return fmt::format("The file has {} {}; only the first is used.", count, what);
}

Error unsupported(const Input& input, ImageFormat format, std::string_view detail) {
  return {ErrorCode::unsupported_input,
          fmt::format("The {} image {} cannot be read: {}.", format_name(format), input.name(), detail),
          input.name()};
}

}  // namespace tessera
