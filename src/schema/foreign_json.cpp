#include "schema/foreign_json.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace tessera {

Json parse_foreign_json(std::string_view text) {
  return Json::parse(text, [](int depth, Json::parse_event_t event, Json&) {
    const bool opens =
        event == Json::parse_event_t::array_start || event == Json::parse_event_t::object_start;
    if (opens && depth >= most_json_depth) {
      throw Error(ErrorCode::usage, fmt::format("The JSON is nested more than {} levels deep; nothing that "
                                                "Tessera takes needs more than a few.",
                                                most_json_depth));
    }
    return true;
  });
}

std::string text_or_empty(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace tessera
