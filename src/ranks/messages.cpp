// SPDX-License-Identifier: Apache-2.0
#include "ranks/messages.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::string_view kind_member = "message";
constexpr int max_depth = 64;  // for pipelines; everything else is flat
// Adding a member searches the list linearly.
constexpr int max_members = 256;
// Each value takes at least 16 bytes of memory, even if it is shorter in the message.
constexpr int max_values = 8'000'000;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::rank_lost, fmt::format("A message between node and rank is malformed: {}.", what));
}

Json parse(std::string_view line) {
  std::vector<int> members;  // of each object that is open
  int values = 0;
  const auto check = [&](int depth, Json::parse_event_t event, Json&) {
    switch (event) {
      case Json::parse_event_t::object_start:
        members.push_back(0);
        [[fallthrough]];
      case Json::parse_event_t::array_start:
        if (depth >= max_depth) {
          refuse(fmt::format("it is nested more than {} levels deep", max_depth));
        }
        [[fallthrough]];
      case Json::parse_event_t::value:
        if (++values > max_values) {
          refuse(fmt::format("it has more than {} values", max_values));
        }
        break;
      case Json::parse_event_t::key:
        if (++members.back() > max_members) {
          refuse(fmt::format("an object in it has more than {} members", max_members));
        }
        break;
      case Json::parse_event_t::object_end:
        members.pop_back();
        break;
      case Json::parse_event_t::array_end:
        break;
    }
    return true;
  };
  try {
    Json message = Json::parse(line.begin(), line.end(), check);
    if (!message.is_object()) {
      refuse("it is not an object");
    }
    return message;
  } catch (const Json::exception&) {
    refuse("it is not JSON");
  }
}

/// Reads members, each of which has exactly one JSON type.
class Reader {
 public:
  Reader(std::string_view name, double min, double max) : name_(name), min_(min), max_(max) {}

  void read(const Json& json, bool& value) const {
    expect(json.is_boolean(), "true or false");
    value = json.get<bool>();
  }
  void read(const Json& json, int& value) const { value = static_cast<int>(whole(json)); }
  void read(const Json& json, std::int64_t& value) const { value = whole(json); }
  void read(const Json& json, double& value) const {
    expect(json.is_number(), "a number");
    value = json.get<double>();
    check(value);
  }
  void read(const Json& json, std::string& value) const {
    expect(json.is_string(), "text");
    value = json.get<std::string>();
    check(static_cast<double>(value.size()));
  }
  void read(const Json& json, std::vector<std::string>& value) const {
    expect(json.is_array(), "a list");
    check(static_cast<double>(json.size()));
    value.clear();
    for (const Json& item : json) {
      expect(item.is_string() &&
                 static_cast<double>(item.get_ref<const std::string&>().size()) <= max_sentence_bytes,
             "a list of short texts");
      value.push_back(item.get<std::string>());
    }
  }
  void read(const Json& json, std::vector<std::int64_t>& value) const {
    expect(json.is_array(), "a list");
    check(static_cast<double>(json.size()));
    value.clear();
    for (const Json& item : json) {
      expect(item.is_number_unsigned() && static_cast<double>(item.get<std::uint64_t>()) <= max_,
             "a list of small numbers");
      value.push_back(item.get<std::int64_t>());
    }
  }
  /// The content is checked by its own parser.
  void read(const Json& json, Json& value) const {
    expect(json.is_structured(), "an object or a list");
    value = json;
  }

 private:
  void expect(bool right, const char* what) const {
    if (!right) {
      refuse(fmt::format("'{}' is not {}", name_, what));
    }
  }
  void check(double value) const {
    if (!(value >= min_ && value <= max_)) {
      refuse(fmt::format("'{}' is {}, not {} to {}", name_, value, min_, max_));
    }
  }
  [[nodiscard]] std::int64_t whole(const Json& json) const {
    expect(json.is_number_integer(), "a whole number");
    // As a double first: a value that does not fit into 64 bits is out of bounds anyway.
    check(json.get<double>());
    return json.get<std::int64_t>();
  }

  std::string_view name_;
  double min_;
  double max_;
};

template <class Message>
Message read(const Json& json) {
  Message message;
  std::apply(
      [&](const auto&... field) {
        // Unused if a message has no members.
        [[maybe_unused]] const auto take = [&](const auto& one) {
          const auto found = json.find(one.name);
          if (found == json.end()) {
            refuse(fmt::format("'{}' is missing in '{}'", one.name, Message::kind));
          }
          Reader(one.name, one.min, one.max).read(*found, message.*one.member);
        };
        (take(field), ...);
        if (json.size() != sizeof...(field) + 1) {
          refuse(fmt::format("'{}' has unknown members", Message::kind));
        }
      },
      Message::fields);
  return message;
}

template <class Message>
Json write(const Message& message) {
  Json json{{kind_member, Message::kind}};
  std::apply([&](const auto&... field) { ((json[std::string(field.name)] = message.*field.member), ...); },
             Message::fields);
  return json;
}

bool is_findings_table(const Json& table) {
  if (!table.is_object() || table.size() != 4 || !table.contains("operator") ||
      !table["operator"].is_string() || !table.contains("columns") || !table["columns"].is_array() ||
      !table.contains("count") || !table["count"].is_number_unsigned() || !table.contains("rows") ||
      !table["rows"].is_array()) {
    return false;
  }
  for (const Json& column : table["columns"]) {
    if (!column.is_string()) {
      return false;
    }
  }
  for (const Json& row : table["rows"]) {
    if (!row.is_array() || row.size() != table["columns"].size()) {
      return false;
    }
    for (const Json& value : row) {
      // JSON has no infinity: such a value is written as null.
      if (!value.is_number() && !value.is_null()) {
        return false;
      }
    }
  }
  return true;
}

/// Checks beyond the members' types.
template <class Message>
void check(const Message&) {}

void check(const Done& done) {
  if (!done.findings.is_array()) {
    refuse("'findings' is not a list");
  }
  for (const Json& table : done.findings) {
    if (!is_findings_table(table)) {
      refuse("'findings' contains something that is not a table");
    }
  }
}

void check(const Failed& failed) {
  if (!error_code_named(failed.code)) {
    refuse("'code' is not in the error table");
  }
}

void check(const ProcessTask& task) {
  if (task.grant.empty() ? task.attached != task.input.empty() : !task.input.empty()) {
    refuse("the image is not exactly one of attached, named and granted");
  }
}

void check(const PartLinks& links) {
  if (links.grants.empty() != static_cast<bool>(error_code_named(links.code))) {
    refuse("it has not exactly one of links and an error");
  }
}

template <class Variant>
Variant read_any(std::string_view line) {
  const Json json = parse(line);
  const auto kind = json.find(kind_member);
  if (kind == json.end() || !kind->is_string()) {
    refuse(fmt::format("it has no '{}'", kind_member));
  }
  Variant result;
  bool known = false;
  const auto try_kind = [&]<class Message>(std::in_place_type_t<Message>) {
    if (!known && kind->template get_ref<const std::string&>() == Message::kind) {
      known = true;
      Message message = read<Message>(json);
      check(message);
      result = std::move(message);
    }
  };
  [&]<class... Messages>(std::in_place_type_t<std::variant<Messages...>>) {
    (try_kind(std::in_place_type<Messages>), ...);
  }(std::in_place_type<Variant>);
  if (!known) {
    refuse("its kind is unknown");
  }
  return result;
}

template <class Variant>
std::string line_of(const Variant& message) {
  return std::visit([](const auto& one) { return write(one); }, message)
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         '\n';
}

}  // namespace

std::string to_line(const RankMessage& message) { return line_of(message); }
std::string to_line(const NodeMessage& message) { return line_of(message); }
std::string to_line(const ViewRequest& message) { return line_of(message); }
std::string to_line(const ViewReply& message) { return line_of(message); }
std::string to_line(const TransferGrant& message) { return line_of(std::variant<TransferGrant>(message)); }
std::string to_line(const UploadGrant& message) { return line_of(std::variant<UploadGrant>(message)); }
RankMessage rank_message(std::string_view line) { return read_any<RankMessage>(line); }
NodeMessage node_message(std::string_view line) { return read_any<NodeMessage>(line); }
ViewRequest view_request(std::string_view line) { return read_any<ViewRequest>(line); }
ViewReply view_reply(std::string_view line) { return read_any<ViewReply>(line); }
TransferGrant transfer_grant(std::string_view line) {
  return std::get<TransferGrant>(read_any<std::variant<TransferGrant>>(line));
}
UploadGrant upload_grant(std::string_view line) {
  return std::get<UploadGrant>(read_any<std::variant<UploadGrant>>(line));
}

}  // namespace tessera
