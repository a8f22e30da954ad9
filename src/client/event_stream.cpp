// SPDX-License-Identifier: Apache-2.0
#include "client/event_stream.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_event_bytes = std::size_t{16} << 20;

void check_length(std::size_t size_bytes) {
  if (size_bytes > max_event_bytes) {
    throw Error(ErrorCode::unavailable,
                fmt::format("The event stream sent an event of more than {} bytes; the server is probably "
                            "not Tessera.",
                            max_event_bytes));
  }
}

}  // namespace

bool EventStreamReader::feed(std::string_view bytes) {
  std::size_t end = partial_.size();  // the old part contains no line end
  partial_ += bytes;
  std::size_t begin = 0;
  for (; (end = partial_.find('\n', end)) != std::string::npos; begin = ++end) {
    std::string_view line(partial_.data() + begin, end - begin);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!handle_line(line)) {
      return false;
    }
  }
  partial_.erase(0, begin);
  check_length(partial_.size());
  return true;
}

bool EventStreamReader::handle_line(std::string_view line) {
  if (line.empty()) {
    last_id_ = event_.id;
    bool go_on = true;
    if (has_data_) {
      if (event_.type.empty()) {
        event_.type = "message";
      }
      go_on = on_event_(event_);
    }
    event_.type.clear();
    event_.data.clear();
    has_data_ = false;
    return go_on;
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) {
    value.remove_prefix(1);
  }
  if (field == "id") {
    event_.id = value;
  } else if (field == "event") {
    event_.type = value;
  } else if (field == "data") {
    if (has_data_) {
      event_.data += '\n';
    }
    check_length(event_.data.size() + value.size());
    event_.data += value;
    has_data_ = true;
  }
  return true;
}

}  // namespace tessera
