// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/xmp.hpp"

#include <fmt/format.h>

#include <cctype>
#include <functional>
#include <string>
#include <string_view>

namespace tessera {
namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.' || c == ':' ||
         static_cast<unsigned char>(c) >= 0x80;
}

std::size_t name_end(std::string_view text, std::size_t at) {
  while (at < text.size() && is_name_part(text[at])) {
    ++at;
  }
  return at;
}

/// What becomes of the element or attribute of a name: nothing (it stays), an empty text (it goes), or a new
/// value.
using Rule = std::function<std::optional<std::string>(std::string_view name)>;

// Copies the text tag by tag and lets the rule change what it names.
class Editor {
 public:
  Editor(std::string_view text, const Rule& rule) : text_(text), rule_(rule) {}

  std::optional<std::string> run() {
    while (at_ < text_.size()) {
      const std::size_t tag = text_.find('<', at_);
      if (tag == std::string_view::npos) {
        break;
      }
      copy_to(tag);
      if (!element()) {
        return std::nullopt;
      }
    }
    copy_to(text_.size());
    return std::move(out_);
  }

 private:
  void copy_to(std::size_t end) {
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }

  bool copy_behind(std::string_view mark) {
    const std::size_t found = text_.find(mark, at_);
    if (found == std::string_view::npos) {
      return false;
    }
    copy_to(found + mark.size());
    return true;
  }

  // At a '<'.
  bool element() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("<!--")) {
      return copy_behind("-->");
    }
    if (rest.starts_with("<![CDATA[")) {
      return copy_behind("]]>");
    }
    if (rest.starts_with("<?")) {
      return copy_behind("?>");
    }
    if (rest.starts_with("</") || rest.starts_with("<!")) {
      return copy_behind(">");
    }
    const std::size_t begin = at_ + 1;
    const std::size_t end = name_end(text_, begin);
    const std::string_view name = text_.substr(begin, end - begin);
    if (name.empty()) {
      return false;
    }
    const std::optional<std::size_t> head_end = end_of_head(end);
    if (!head_end) {
      return false;
    }
    const auto change = rule_(name);
    if (!change) {
      copy_attributes(end, *head_end);
      return true;
    }
    const bool empty = text_[*head_end - 2] == '/';
    const std::optional<std::size_t> close = empty ? head_end : closing_tag(name, *head_end);
    if (!close) {
      return false;
    }
    if (change->empty()) {
      at_ = empty ? *head_end : text_.find('>', *close) + 1;
      return at_ != 0;
    }
    copy_to(*head_end);
    if (!empty) {
      out_ += *change;
      at_ = *close;
    }
    return true;
  }

  // Behind the '>' of the tag whose name ends at `at`.
  [[nodiscard]] std::optional<std::size_t> end_of_head(std::size_t at) const {
    char quote = 0;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (quote != 0) {
        quote = c == quote ? '\0' : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return at + 1;
      }
    }
    return std::nullopt;
  }

  // Where the tag stands that closes the element `name`, whose content begins at `at`.
  [[nodiscard]] std::optional<std::size_t> closing_tag(std::string_view name, std::size_t at) const {
    int depth = 1;
    for (at = text_.find('<', at); at != std::string_view::npos; at = text_.find('<', at)) {
      const std::size_t tag = at;
      const bool closes = tag + 1 < text_.size() && text_[tag + 1] == '/';
      const std::size_t begin = tag + (closes ? 2 : 1);
      const std::size_t end = name_end(text_, begin);
      at = begin;
      if (text_.substr(begin, end - begin) != name) {
        continue;
      }
      if (closes && --depth == 0) {
        return tag;
      }
      if (!closes) {
        const auto head_end = end_of_head(end);
        if (!head_end) {
          return std::nullopt;
        }
        depth += text_[*head_end - 2] == '/' ? 0 : 1;
        at = *head_end;
      }
    }
    return std::nullopt;
  }

  void copy_attributes(std::size_t at, std::size_t head_end) {
    copy_to(at);
    while (at_ < head_end) {
      const std::size_t begin = text_.find_first_not_of(blanks, at_);
      const std::size_t end = name_end(text_, begin);
      const std::size_t equals = text_.find_first_not_of(blanks, end);
      if (begin >= head_end || end == begin || equals >= head_end || text_[equals] != '=') {
        copy_to(head_end);
        return;
      }
      const std::size_t quote = text_.find_first_of("\"'", equals);
      const std::size_t close = quote < head_end ? text_.find(text_[quote], quote + 1) : head_end;
      if (close >= head_end) {
        copy_to(head_end);
        return;
      }
      const auto change = rule_(text_.substr(begin, end - begin));
      if (change && change->empty()) {
        at_ = close + 1;
        continue;
      }
      copy_to(quote + 1);
      if (change) {
        out_ += *change;
        at_ = close;
      }
      copy_to(close + 1);
    }
  }

  std::string_view text_;
  const Rule& rule_;
  std::size_t at_ = 0;
  std::string out_;
};

std::optional<Bytes> edited(const Bytes& xmp, const Rule& rule) {
  const std::string_view text(reinterpret_cast<const char*>(xmp.data()), xmp.size());
  // UTF-16 and the like, which XMP in image files is not.
  if (text.substr(0, text.find('>')).find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  const auto changed = Editor(text, rule).run();
  if (!changed) {
    return std::nullopt;
  }
  const auto* begin = reinterpret_cast<const std::byte*>(changed->data());
  return Bytes(begin, begin + changed->size());
}

bool names_place(std::string_view name) {
  constexpr std::string_view gps = "exif:GPS";
  constexpr std::string_view names[] = {"photoshop:City",
                                        "photoshop:State",
                                        "photoshop:Country",
                                        "Iptc4xmpCore:Location",
                                        "Iptc4xmpCore:CountryCode",
                                        "Iptc4xmpExt:LocationShown",
                                        "Iptc4xmpExt:LocationCreated",
                                        "exifEX:GPS",
                                        "drone-dji:GpsLatitude",
                                        "drone-dji:GpsLongitude",
                                        "drone-dji:GpsLongtitude",
                                        "drone-dji:AbsoluteAltitude"};
  for (const std::string_view one : names) {
    if (name == one) {
      return true;
    }
  }
  return name.starts_with(gps);
}

}  // namespace

std::optional<Bytes> clean_xmp(const Bytes& xmp) {
  return edited(xmp, [](std::string_view name) -> std::optional<std::string> {
    if (name == "tiff:Orientation") {
      return "1";
    }
    if (name == "xmp:Thumbnails" || name == "xap:Thumbnails") {
      return "";
    }
    return std::nullopt;
  });
}

std::optional<Bytes> xmp_of_result(const Bytes& xmp, const Extent& extent) {
  return edited(xmp, [&](std::string_view name) -> std::optional<std::string> {
    if (name == "exif:PixelXDimension" || name == "tiff:ImageWidth") {
      return fmt::to_string(extent.width);
    }
    if (name == "exif:PixelYDimension" || name == "tiff:ImageLength") {
      return fmt::to_string(extent.height);
    }
    return std::nullopt;
  });
}

std::optional<Bytes> xmp_without_location(const Bytes& xmp) {
  return edited(xmp, [](std::string_view name) -> std::optional<std::string> {
    return names_place(name) ? std::optional<std::string>("") : std::nullopt;
  });
}

}  // namespace tessera
