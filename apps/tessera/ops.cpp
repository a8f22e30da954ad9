// SPDX-License-Identifier: Apache-2.0
// tessera ops: the catalogue, drawn from the operators' own declarations.
#include <fmt/format.h>

#include <memory>

#include "base/error.hpp"
#include "command.hpp"
#include "ops/catalog.hpp"
#include "plan/pipeline_schema.hpp"

namespace tessera::cli {
namespace {

struct OpsOptions {
  std::string name;
  bool json = false;
  bool markdown = false;
};

std::string default_text(const ParamInfo& param) {
  const Json& value = param.default_value;
  if (value.is_string()) {
    return value.get_ref<const std::string&>().empty() ? "empty" : value.get<std::string>();
  }
  return value.is_number_float() ? fmt::format("{}", value.get<double>()) : value.dump();
}

/// Entries with their groups, in the catalogue's order; a group's entries need not be neighbours.
std::vector<std::pair<std::string, std::vector<const CatalogEntry*>>> by_group() {
  std::vector<std::pair<std::string, std::vector<const CatalogEntry*>>> groups;
  for (const CatalogEntry& entry : catalog()) {
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& group) { return group.first == entry.info.group; });
    if (found == groups.end()) {
      groups.emplace_back(entry.info.group, std::vector<const CatalogEntry*>{});
      found = std::prev(groups.end());
    }
    found->second.push_back(&entry);
  }
  return groups;
}

void print_list() {
  std::size_t width = 0;
  for (const CatalogEntry& entry : catalog()) {
    width = std::max(width, entry.info.name.size());
  }
  for (const auto& [group, entries] : by_group()) {
    fmt::print("{}\n", group);
    for (const CatalogEntry* entry : entries) {
      fmt::print("  {:<{}}  {}\n", entry->info.name, width, entry->info.doc);
    }
    fmt::print("\n");
  }
  fmt::print("'tessera ops NAME' tells what an operator takes and exactly does.\n");
}

void print_help(const CatalogEntry& entry) {
  const OperatorInfo& info = entry.info;
  fmt::print("{} - {}\n\n{}\n", info.name, info.group, info.doc);
  if (info.gray_only) {
    fmt::print("Works on gray pictures; colour is turned to gray first (operator grayscale).\n");
  }
  if (!entry.params.empty()) {
    fmt::print("\nParameters:\n");
    for (const ParamInfo& param : entry.params) {
      fmt::print("  {}\n      {}\n      {}; default {}\n", param.name, param.doc, describe_range(param),
                 default_text(param));
      if ((param.type == ParamType::number || param.type == ParamType::integer) &&
          (param.limits.slider_min > param.limits.min || param.limits.slider_max < param.limits.max)) {
        fmt::print("      usually {} to {}\n", param.limits.slider_min, param.limits.slider_max);
      }
    }
  } else {
    fmt::print("\nIt takes no parameters.\n");
  }
  fmt::print("\nDefinition (version {}, {}):\n  {}\n", info.version, entry.kind, info.definition);
  if (info.tolerance > 0) {
    fmt::print("  It may differ from that by {} levels: {}\n", info.tolerance, info.tolerance_reason);
  }
  fmt::print("\nTransparency:\n  {}\n", entry.alpha);
  fmt::print("\nExample:\n  tessera apply '{}' in.png -o out.png\n", info.example);
}

std::string table_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') {
      cell += '\\';
    }
    cell += c;
  }
  return cell;
}

void print_markdown(std::span<const CatalogEntry* const> entries) {
  for (const CatalogEntry* entry : entries) {
    const OperatorInfo& info = entry->info;
    fmt::print("### {}\n\n{}\n\n", info.name, info.doc);
    fmt::print("Kind: {}, version {}.{}\n\n", entry->kind, info.version,
               info.gray_only ? " Colour is turned to gray first." : "");
    if (!entry->params.empty()) {
      fmt::print("| parameter | allowed | default | meaning |\n|---|---|---|---|\n");
      for (const ParamInfo& param : entry->params) {
        fmt::print("| `{}` | {} | `{}` | {} |\n", param.name, table_cell(describe_range(param)),
                   default_text(param), table_cell(param.doc));
      }
      fmt::print("\n");
    }
    fmt::print("Definition: {}\n\n", info.definition);
    if (info.tolerance > 0) {
      fmt::print("Tolerance: {} levels. {}\n\n", info.tolerance, info.tolerance_reason);
    }
    fmt::print("Transparency: {}\n\n", entry->alpha);
    fmt::print("```\n{}\n```\n\n", info.example);
  }
}

int run_ops(const OpsOptions& options) {
  const CatalogEntry* one = options.name.empty() ? nullptr : &find_operator(options.name);
  if (options.json) {
    const Json schema = pipeline_schema();
    fmt::print("{}\n", (one != nullptr ? schema["$defs"][options.name] : schema).dump(2));
  } else if (options.markdown) {
    if (one != nullptr) {
      print_markdown(std::array{one});
    } else {
      fmt::print("# Operators\n\nWritten by `tessera ops --markdown` from the operators' declarations.\n\n");
      for (const auto& [group, entries] : by_group()) {
        fmt::print("## {}\n\n", group);
        print_markdown(entries);
      }
    }
  } else if (one != nullptr) {
    print_help(*one);
  } else {
    print_list();
  }
  return 0;
}

}  // namespace

Command add_ops(CLI::App& program) {
  CLI::App* app = program.add_subcommand("ops", "List the operators, or explain one");
  auto options = std::make_shared<OpsOptions>();
  app->add_option("NAME", options->name, "Operator to explain");
  CLI::Option* json = app->add_flag("--json", options->json, "JSON Schema of the operators");
  app->add_flag("--markdown", options->markdown, "The page of the documentation")->excludes(json);
  return {app, [options] { return run_ops(*options); }};
}

}  // namespace tessera::cli
