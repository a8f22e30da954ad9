// SPDX-License-Identifier: Apache-2.0
#include "codec/heif/boxes.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/heif/av1_sequence.hpp"
#include "codec/io/patched_input.hpp"

namespace tessera {
namespace {

/// Bigger ones are left to libheif.
constexpr std::int64_t max_meta_bytes = std::int64_t{16} << 20;

/// A place in bytes that are read from front to back. Zeros follow the end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i, ++at_) {
      value = value << 8 | (at_ < bytes_.size() ? static_cast<std::uint64_t>(bytes_[at_]) : 0);
    }
    return value;
  }
  void skip(std::size_t count) { at_ += count; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool past_end() const { return at_ > bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

struct Box {
  std::string type;
  std::span<const std::byte> content;
};

std::vector<Box> boxes_in(std::span<const std::byte> bytes) {
  std::vector<Box> boxes;
  constexpr std::size_t max_boxes = 65536;
  for (std::size_t at = 0; at + 8 <= bytes.size() && boxes.size() < max_boxes;) {
    Cursor cursor(bytes.subspan(at));
    std::uint64_t size = cursor.number(4);
    std::string type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    cursor.number(4);
    if (size == 1) {
      size = cursor.number(8);
    } else if (size == 0) {
      size = bytes.size() - at;
    }
    if (size < cursor.at() || size > bytes.size() - at) {
      break;
    }
    boxes.push_back({std::move(type), bytes.subspan(at + cursor.at(), size - cursor.at())});
    at += size;
  }
  return boxes;
}

const Box* find(const std::vector<Box>& boxes, std::string_view type) {
  const auto found =
      std::find_if(boxes.begin(), boxes.end(), [&](const Box& box) { return box.type == type; });
  return found == boxes.end() ? nullptr : &*found;
}

bool transforms(std::string_view type) { return type == "irot" || type == "imir" || type == "clap"; }

/// Where the data of an item begin in the file, by its 'iloc'.
std::optional<std::pair<std::int64_t, std::int64_t>> place_of(const Box& locations, std::uint64_t item) {
  Cursor cursor(locations.content);
  const std::uint64_t version = cursor.number(1);
  cursor.number(3);
  const std::uint64_t sizes = cursor.number(2);
  const std::size_t offset_bytes = sizes >> 12;
  const std::size_t length_bytes = sizes >> 8 & 15;
  const std::size_t base_bytes = sizes >> 4 & 15;
  const std::size_t index_bytes = version >= 1 ? sizes & 15 : 0;
  const std::uint64_t items = cursor.number(version < 2 ? 2 : 4);
  for (std::uint64_t i = 0; i < items && !cursor.past_end(); ++i) {
    const std::uint64_t id = cursor.number(version < 2 ? 2 : 4);
    const std::uint64_t method = version >= 1 ? cursor.number(2) & 15 : 0;
    cursor.number(2);
    const std::uint64_t base = cursor.number(base_bytes);
    const std::uint64_t extents = cursor.number(2);
    for (std::uint64_t k = 0; k < extents && !cursor.past_end(); ++k) {
      cursor.number(index_bytes);
      const std::uint64_t offset = cursor.number(offset_bytes);
      const std::uint64_t length = cursor.number(length_bytes);
      if (id == item && method == 0) {
        return std::pair(static_cast<std::int64_t>(base + offset), static_cast<std::int64_t>(length));
      }
    }
  }
  return std::nullopt;
}

class MetaBox {
 public:
  MetaBox(std::shared_ptr<const Input> input, std::int64_t offset, Bytes content)
      : input_(std::move(input)), offset_(offset), content_(std::move(content)) {
    constexpr std::size_t version_and_flags = 4;
    if (content_.size() < version_and_flags) {
      return;
    }
    boxes_ = boxes_in(std::span<const std::byte>(content_).subspan(version_and_flags));
    if (const Box* const properties = find(boxes_, "iprp")) {
      const std::vector<Box> inner = boxes_in(properties->content);
      if (const Box* const all = find(inner, "ipco")) {
        properties_ = boxes_in(all->content);
      }
      std::copy_if(inner.begin(), inner.end(), std::back_inserter(associations_),
                   [](const Box& box) { return box.type == "ipma"; });
    }
    if (const Box* const primary = find(boxes_, "pitm")) {
      Cursor cursor(primary->content);
      const std::uint64_t version = cursor.number(1);
      cursor.number(3);
      primary_ = cursor.number(version == 0 ? 2 : 4);
    }
  }

  /// Orders the properties of all items in place.
  std::shared_ptr<const Input> ordered() {
    Bytes patched = content_;
    bool changed = false;
    each_item([&](std::uint64_t, std::span<const std::byte> entries, std::size_t entry_bytes) {
      const auto begin = static_cast<std::size_t>(entries.data() - content_.data());
      std::vector<std::uint64_t> values = values_of(entries, entry_bytes);
      const std::vector<std::uint64_t> before = values;
      const std::uint64_t mask = entry_bytes == 2 ? 0x7FFF : 0x7F;
      std::stable_partition(values.begin(), values.end(),
                            [&](std::uint64_t value) { return !transforms(type_of(value & mask)); });
      changed = changed || values != before;
      for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t byte = 0; byte < entry_bytes; ++byte) {
          patched[begin + i * entry_bytes + byte] =
              static_cast<std::byte>(values[i] >> (8 * (entry_bytes - 1 - byte)) & 255);
        }
      }
    });
    return changed ? make_patched_input(input_, offset_, std::move(patched)) : input_;
  }

  std::optional<int> limited_gray_bits() {
    const Box* configuration = nullptr;
    const Box* hevc = nullptr;
    std::optional<bool> full;
    each_item([&](std::uint64_t item, std::span<const std::byte> entries, std::size_t entry_bytes) {
      for (const std::uint64_t value : values_of(entries, entry_bytes)) {
        const std::uint64_t index = value & (entry_bytes == 2 ? 0x7FFF : 0x7F);
        if (item != primary_ || index == 0 || index > properties_.size()) {
          continue;
        }
        const Box& property = properties_[index - 1];
        configuration = property.type == "av1C" ? &property : configuration;
        hevc = property.type == "hvcC" ? &property : hevc;
        if (property.type == "colr" && property.content.size() >= 11 &&
            std::string_view(reinterpret_cast<const char*>(property.content.data()), 4) == "nclx") {
          full = (property.content[10] & std::byte{128}) != std::byte{0};
        }
      }
    });
    if (configuration != nullptr && configuration->content.size() >= 4) {
      const auto flags = static_cast<int>(configuration->content[2]);
      const bool gray = (flags & 16) != 0;
      if (gray && !full) {
        full = av1_full_range(configuration->content.subspan(4));
      }
      if (gray && !full) {
        full = full_range_by_data();
      }
      const int bits = (flags & 64) == 0 ? 8 : ((flags & 32) != 0 ? 12 : 10);
      return gray && full == false ? std::optional(bits) : std::nullopt;
    }
    if (hevc != nullptr && hevc->content.size() >= 18 && full == false &&
        (hevc->content[16] & std::byte{3}) == std::byte{0}) {
      return 8 + static_cast<int>(hevc->content[17] & std::byte{7});
    }
    return std::nullopt;
  }

 private:
  using TakeItem =
      std::function<void(std::uint64_t item, std::span<const std::byte> entries, std::size_t entry_bytes)>;

  void each_item(const TakeItem& take) const {
    for (const Box& box : associations_) {
      Cursor cursor(box.content);
      const std::uint64_t version = cursor.number(1);
      const std::size_t entry_bytes = (cursor.number(3) & 1) != 0 ? 2 : 1;
      const std::uint64_t items = cursor.number(4);
      for (std::uint64_t i = 0; i < items && !cursor.past_end(); ++i) {
        const std::uint64_t item = cursor.number(version == 0 ? 2 : 4);
        const std::size_t bytes = cursor.number(1) * entry_bytes;
        if (cursor.past_end() || bytes > box.content.size() - cursor.at()) {
          return;
        }
        take(item, box.content.subspan(cursor.at(), bytes), entry_bytes);
        cursor.skip(bytes);
      }
    }
  }

  static std::vector<std::uint64_t> values_of(std::span<const std::byte> entries, std::size_t entry_bytes) {
    std::vector<std::uint64_t> values;
    Cursor cursor(entries);
    while (cursor.at() < entries.size()) {
      values.push_back(cursor.number(entry_bytes));
    }
    return values;
  }

  [[nodiscard]] std::string_view type_of(std::uint64_t index) const {
    return index == 0 || index > properties_.size() ? std::string_view() : properties_[index - 1].type;
  }

  [[nodiscard]] std::optional<bool> full_range_by_data() const {
    const Box* const locations = find(boxes_, "iloc");
    const auto place = locations == nullptr ? std::nullopt : place_of(*locations, primary_);
    if (!place || place->first < 0) {
      return std::nullopt;
    }
    // The sequence header comes first.
    std::array<std::byte, 512> head{};
    return av1_full_range(std::span(head).first(input_->read_at(place->first, head)));
  }

  std::shared_ptr<const Input> input_;
  std::int64_t offset_;
  Bytes content_;
  std::vector<Box> boxes_;
  std::vector<Box> properties_;
  std::vector<Box> associations_;
  std::uint64_t primary_ = 0;
};

}  // namespace

HeifLayout read_heif_layout(std::shared_ptr<const Input> input) {
  HeifLayout layout;
  layout.ordered = input;
  constexpr int max_boxes = 4096;
  std::int64_t at = 0;
  for (int i = 0; i < max_boxes; ++i) {
    std::array<std::byte, 16> head{};
    const std::size_t got = input->read_at(at, head);
    if (got < 8) {
      break;
    }
    Cursor cursor(head);
    std::uint64_t size = cursor.number(4);
    const std::string_view type(reinterpret_cast<const char*>(head.data()) + 4, 4);
    cursor.number(4);
    if (size == 1) {
      size = cursor.number(8);
    } else if (size == 0) {
      size = static_cast<std::uint64_t>(input->size() - at);
    }
    if (size < cursor.at() || size > static_cast<std::uint64_t>(input->size() - at)) {
      break;
    }
    layout.has_sequence = layout.has_sequence || type == "moov";
    const auto content_bytes = static_cast<std::int64_t>(size - cursor.at());
    if (type == "meta" && !layout.has_still) {
      layout.has_still = true;
      if (content_bytes <= max_meta_bytes) {
        Bytes content(static_cast<std::size_t>(content_bytes));
        const std::int64_t offset = at + static_cast<std::int64_t>(cursor.at());
        if (input->read_all_at(offset, content)) {
          MetaBox meta(input, offset, std::move(content));
          layout.ordered = meta.ordered();
          layout.limited_gray_bits = meta.limited_gray_bits();
        }
      }
    }
    at += static_cast<std::int64_t>(size);
  }
  return layout;
}

}  // namespace tessera
