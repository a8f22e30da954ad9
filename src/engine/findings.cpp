// SPDX-License-Identifier: Apache-2.0
#include "engine/findings.hpp"

namespace tessera {

Json findings_json(const std::vector<Findings>& findings) {
  Json list = Json::array();
  for (const Findings& one : findings) {
    const std::size_t columns = one.columns.size();
    Json rows = Json::array();
    for (std::size_t i = 0; columns > 0 && i + columns <= one.values.size(); i += columns) {
      const auto begin = one.values.begin() + static_cast<std::ptrdiff_t>(i);
      rows.push_back(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(columns)));
    }
    const std::size_t count = rows.size();
    list.push_back({{"operator", one.operator_name},
                    {"columns", one.columns},
                    {"count", count},
                    {"rows", std::move(rows)}});
  }
  return list;
}

std::vector<Findings> findings_from_json(const Json& json) {
  std::vector<Findings> findings;
  if (!json.is_array()) {
    return findings;
  }
  for (const Json& one : json) {
    if (!one.is_object() || !one.contains("columns") || !one["columns"].is_array() ||
        !one.contains("operator") || !one["operator"].is_string()) {
      continue;
    }
    Findings list{one["operator"].get<std::string>(), {}};
    for (const Json& column : one["columns"]) {
      list.columns.push_back(column.is_string() ? column.get<std::string>() : std::string());
    }
    for (const Json& row : one.value("rows", Json::array())) {
      if (!row.is_array() || row.size() != list.columns.size()) {
        continue;
      }
      for (const Json& value : row) {
        list.values.push_back(value.is_number() ? value.get<double>() : 0);
      }
    }
    findings.push_back(std::move(list));
  }
  return findings;
}

}  // namespace tessera
