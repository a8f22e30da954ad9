// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/pages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"
#include "codec/io/patched_input.hpp"

namespace tessera {
namespace {

constexpr std::uint16_t tag_subfile_type = 254;
constexpr std::uint16_t tag_old_subfile_type = 255;
constexpr std::uint16_t tag_sub_directories = 330;
constexpr std::uint16_t tag_dng_version = 50706;
constexpr std::uint64_t reduced = 1;
constexpr std::uint64_t mask = 4;
constexpr std::uint64_t old_reduced = 2;
constexpr std::uint16_t type_short = 3;

struct Directory {
  bool full_size = true;
  bool is_mask = false;
  bool dng = false;
  std::vector<std::uint64_t> children;
  std::uint64_t next = 0;
};

class TiffWalker {
 public:
  explicit TiffWalker(const Input& input) : input_(input) {
    std::array<std::byte, 4> head{};
    if (input_.read_all_at(0, head)) {
      big_endian_ = head[0] == std::byte{'M'};
      big_ = (big_endian_ ? head[3] : head[2]) == std::byte{43};
    }
  }

  [[nodiscard]] std::uint64_t first() const { return number(big_ ? 8 : 4, offset_bytes()).value_or(0); }
  [[nodiscard]] bool big() const { return big_; }
  [[nodiscard]] bool big_endian() const { return big_endian_; }
  [[nodiscard]] std::int64_t offset_bytes() const { return big_ ? 8 : 4; }

  /// Nothing where there is no directory. `max_entries` of it are looked at; they are in the order of tags.
  [[nodiscard]] std::optional<Directory> read(std::uint64_t at, std::uint64_t max_entries) const {
    const std::int64_t count_bytes = big_ ? 8 : 2;
    const std::int64_t entry_bytes = big_ ? 20 : 12;
    if (at == 0 || at > static_cast<std::uint64_t>(input_.size())) {
      return std::nullopt;
    }
    const auto begin = static_cast<std::int64_t>(at);
    const std::optional<std::uint64_t> count = number(begin, count_bytes);
    constexpr std::uint64_t max_in_directory = 65535;
    if (!count || *count == 0 || *count > max_in_directory) {
      return std::nullopt;
    }
    Directory directory;
    for (std::uint64_t i = 0; i < std::min(*count, max_entries); ++i) {
      take(directory, begin + count_bytes + static_cast<std::int64_t>(i) * entry_bytes);
    }
    const std::int64_t end = begin + count_bytes + static_cast<std::int64_t>(*count) * entry_bytes;
    directory.next = number(end, offset_bytes()).value_or(0);
    return directory;
  }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number(std::int64_t at, std::int64_t bytes) const {
    std::array<std::byte, 8> raw{};
    if (!input_.read_all_at(at, std::span(raw).first(static_cast<std::size_t>(bytes)))) {
      return std::nullopt;
    }
    std::uint64_t value = 0;
    for (std::int64_t i = 0; i < bytes; ++i) {
      const std::int64_t from = big_endian_ ? i : bytes - 1 - i;
      value = value << 8 | static_cast<std::uint64_t>(raw[static_cast<std::size_t>(from)]);
    }
    return value;
  }

  void take(Directory& directory, std::int64_t entry) const {
    const std::uint64_t tag = number(entry, 2).value_or(0);
    const std::int64_t value_at = entry + 4 + offset_bytes();
    const auto value = [&] {
      return number(value_at, number(entry + 2, 2) == type_short ? 2 : 4).value_or(0);
    };
    if (tag == tag_subfile_type) {
      directory.full_size = directory.full_size && (value() & (reduced | mask)) == 0;
      directory.is_mask = (value() & mask) != 0;
    } else if (tag == tag_old_subfile_type) {
      directory.full_size = directory.full_size && value() != old_reduced;
    } else if (tag == tag_dng_version) {
      directory.dng = true;
    } else if (tag == tag_sub_directories) {
      children(directory, entry, value_at);
    }
  }

  void children(Directory& directory, std::int64_t entry, std::int64_t value_at) const {
    constexpr std::uint64_t max_children = 64;
    const std::uint64_t type = number(entry + 2, 2).value_or(0);
    const bool wide = type == 16 || type == 18;  // LONG8, IFD8
    const std::int64_t bytes = wide ? 8 : 4;
    const std::uint64_t count = std::min(number(entry + 4, offset_bytes()).value_or(0), max_children);
    const bool inside = static_cast<std::int64_t>(count) * bytes <= offset_bytes();
    const std::int64_t begin =
        inside ? value_at : static_cast<std::int64_t>(number(value_at, offset_bytes()).value_or(0));
    for (std::uint64_t i = 0; i < count; ++i) {
      directory.children.push_back(number(begin + static_cast<std::int64_t>(i) * bytes, bytes).value_or(0));
    }
  }

  const Input& input_;
  bool big_endian_ = false;
  bool big_ = false;
};

[[noreturn]] void refuse(const Input& input, std::string sentence) {
  throw Error(ErrorCode::usage, std::move(sentence), input.name());
}

/// The overview that the options choose, of those that follow the page and those that its directory names.
std::uint64_t find_overview(const TiffWalker& walker, const Input& input, std::uint64_t page,
                            std::vector<std::uint64_t> following, int wanted) {
  constexpr std::uint64_t all_entries = 65535;
  const std::optional<Directory> directory = walker.read(page, all_entries);
  for (const std::uint64_t child : directory ? directory->children : std::vector<std::uint64_t>()) {
    if (const auto found = walker.read(child, all_entries); found && !found->full_size && !found->is_mask) {
      following.push_back(child);
    }
  }
  const auto index = static_cast<std::size_t>(wanted);
  if (index > following.size()) {
    refuse(input, fmt::format("The image {} has {} overviews; there is no overview {}.", input.name(),
                              following.size(), wanted));
  }
  return following[index - 1];
}

}  // namespace

TiffPages find_tiff_pages(const Input& input, const ReadOptions& options) {
  const TiffWalker walker(input);
  TiffPages pages;
  constexpr std::uint64_t all_entries = 65535;
  constexpr std::uint64_t first_entries = 3;  // the tags that tell the kind of a page are the lowest
  const std::optional<Directory> first = walker.read(walker.first(), all_entries);
  if (!first) {
    return pages;
  }
  pages.dng = first->dng;
  pages.pictures = 0;
  const std::int64_t wanted = std::max(1, options.page);
  std::unordered_set<std::uint64_t> seen;
  std::int64_t count = 0;
  std::optional<Directory> page = first;
  for (std::uint64_t at = walker.first(); page; page = walker.read(at, first_entries)) {
    if (!seen.insert(at).second) {
      if (options.salvage) {
        break;
      }
      throw damaged(input, ImageFormat::tiff, "its pages follow each other in a circle");
    }
    check_frames(input, options.limits, ++count);
    if (page->full_size) {
      ++pages.pictures;
      pages.chosen = pages.pictures == wanted ? at : pages.chosen;
    } else if (pages.pictures == wanted && !page->is_mask) {
      pages.reduced.push_back(at);
    }
    at = page->next;
  }
  if (wanted > std::max<std::int64_t>(1, pages.pictures)) {
    refuse(input, fmt::format("The image {} has {} pages; there is no page {}.", input.name(),
                              std::max<std::int64_t>(1, pages.pictures), wanted));
  }
  for (std::size_t i = 0; pages.chosen == 0 && i < first->children.size(); ++i) {
    const std::optional<Directory> child = walker.read(first->children[i], all_entries);
    if (child && child->full_size) {
      pages.chosen = first->children[i];
      pages.pictures = 1;
    }
  }
  if (pages.chosen == 0) {
    pages.chosen = walker.first();
    pages.pictures = 1;
  }
  if (options.overview > 0) {
    pages.chosen = find_overview(walker, input, pages.chosen, pages.reduced, options.overview);
  }
  pages.is_first = pages.chosen == walker.first();
  return pages;
}

std::shared_ptr<const Input> with_first_directory(std::shared_ptr<const Input> input,
                                                  std::uint64_t directory) {
  const TiffWalker walker(*input);
  Bytes offset;
  for (std::int64_t i = 0; i < walker.offset_bytes(); ++i) {
    const std::int64_t shift = 8 * (walker.big_endian() ? walker.offset_bytes() - 1 - i : i);
    offset.push_back(static_cast<std::byte>(directory >> shift & 255));
  }
  return make_patched_input(std::move(input), walker.big() ? 8 : 4, std::move(offset));
}

}  // namespace tessera
