// SPDX-License-Identifier: Apache-2.0
#include "manual.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Text that roff shows as it is.
std::string escaped(std::string_view text) {
  std::string result;
  bool begins_line = true;
  for (const char c : text) {
    if (begins_line && (c == '.' || c == '\'')) {
      result += "\\&";
    }
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
    begins_line = c == '\n';
  }
  return result;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string sentence(std::string text) {
  if (!text.empty() && !text.ends_with('.')) {
    text += '.';
  }
  return text;
}

std::string title(std::string_view name, std::string_view version) {
  return fmt::format(".TH {} 1 \"\" \"tessera {}\" \"User Commands\"\n", escaped(upper(std::string(name))),
                     version);
}

std::string section(std::string_view name, std::string_view body) {
  return fmt::format(".SH {}\n{}", name, body) + (body.ends_with('\n') ? "" : "\n");
}

/// "\fB\-o\fR, \fB\-\-output\fR \fIOUT\fR"
std::string names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) {
    names.push_back(fmt::format("\\fB{}\\fR", escaped("-" + name)));
  }
  for (const std::string& name : option.get_lnames()) {
    names.push_back(fmt::format("\\fB{}\\fR", escaped("--" + name)));
  }
  if (names.empty()) {
    return fmt::format("\\fI{}\\fR", escaped(option.get_name()));
  }
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (option.get_items_expected_max() > 0) {
    text += fmt::format(" \\fI{}\\fR",
                        escaped(option.get_type_name().empty() ? "VALUE" : option.get_type_name()));
  }
  return text;
}

std::string described(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty()) {
    text += fmt::format(" (default: {})", option.get_default_str());
  }
  if (!option.get_envname().empty()) {
    text += fmt::format(" [environment: {}]", option.get_envname());
  }
  return fmt::format(".TP\n{}\n{}\n", names_of(option), escaped(sentence(text)));
}

std::string synopsis(const CLI::App& command, std::string_view program) {
  std::string text =
      fmt::format("\\fB{} {}\\fR [\\fIOPTION\\fR...]", escaped(program), escaped(command.get_name()));
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      const std::string name = fmt::format("\\fI{}\\fR{}", escaped(option->get_name()),
                                           option->get_items_expected_max() > 1 ? "..." : "");
      text += option->get_required() ? " " + name : " [" + name + "]";
    }
  }
  return text + "\n";
}

std::string options_of(const CLI::App& command) {
  std::string text;
  for (const std::string& group : command.get_groups()) {
    std::string part;
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group() == group) {
        part += described(*option);
      }
    }
    if (!group.empty() && !part.empty()) {
      text += (group == "Options" ? "" : fmt::format(".SS {}\n", escaped(group))) + part;
    }
  }
  return text;
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) {
    throw Error(ErrorCode::io, fmt::format("'{}' cannot be written.", file.string()), file.string());
  }
}

}  // namespace

std::string exit_code_lines() {
  std::string text = "  0  Success; 'compare' found no difference.\n  1  'compare' found a difference.\n";
  std::vector<const ErrorMeaning*> rows;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    rows.push_back(&meaning(static_cast<ErrorCode>(code)));
  }
  std::ranges::stable_sort(rows, {}, &ErrorMeaning::exit_code);
  int last = -1;
  for (const ErrorMeaning* row : rows) {
    text += row->exit_code == last ? fmt::format("     {}\n", row->summary)
                                   : fmt::format("{:>3}  {}\n", row->exit_code, row->summary);
    last = row->exit_code;
  }
  return text;
}

Command add_manual(CLI::App& program, std::string_view version, bool whole) {
  CLI::App* app = program.add_subcommand("manual", "Write the manual pages into a folder");
  app->group("");  // for packages
  const auto folder = std::make_shared<std::string>();
  app->add_option("FOLDER", *folder, "Where to write them")->required()->check(CLI::ExistingDirectory);
  return {app, [folder, whole, &program, version = std::string(version)] {
            const std::filesystem::path to = *folder;
            const std::string codes = exit_code_lines();
            if (whole) {
              write(to / (program.get_name() + ".1"), program_manual_page(program, version, codes));
            }
            for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
              // Those that stand here only to be listed have no options of their own.
              if (!command->get_group().empty() && command->get_options().size() > 1) {
                write(to / fmt::format("{}-{}.1", program.get_name(), command->get_name()),
                      manual_page(*command, program.get_name(), version, codes));
              }
            }
            return 0;
          }};
}

std::string manual_page(const CLI::App& command, std::string_view program, std::string_view version,
                        std::string_view exit_codes) {
  const std::string name = fmt::format("{}-{}", program, command.get_name());
  std::string page = title(name, version);
  page += section("NAME", fmt::format("{} \\- {}", escaped(name), escaped(command.get_description())));
  page += section("SYNOPSIS", synopsis(command, program));
  page += section("OPTIONS", options_of(command));
  for (const CLI::App* part : command.get_subcommands([](const CLI::App*) { return true; })) {
    page += section(escaped(upper(command.get_name() + " " + part->get_name())),
                    escaped(sentence(part->get_description())) + "\n" + options_of(*part));
  }
  if (const std::string& footer = command.get_footer(); footer.starts_with("Examples:\n")) {
    const std::size_t begin = footer.find('\n') + 1;
    page +=
        section("EXAMPLES", ".nf\n" + escaped(footer.substr(begin, footer.find("\n\n") - begin)) + "\n.fi");
  }
  page += section("EXIT STATUS", ".nf\n" + escaped(exit_codes) + "\n.fi");
  return page + section("SEE ALSO", "\\fBtessera\\fR(1)");
}

std::string program_manual_page(const CLI::App& program, std::string_view version,
                                std::string_view exit_codes) {
  std::string page = title(program.get_name(), version);
  page += section("NAME",
                  fmt::format("{} \\- {}", escaped(program.get_name()), escaped(program.get_description())));
  page += section("SYNOPSIS", fmt::format("\\fB{}\\fR \\fICOMMAND\\fR ...", escaped(program.get_name())));
  std::string commands;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) {
      commands += fmt::format(".TP\n\\fB{}\\-{}\\fR(1)\n{}\n", escaped(program.get_name()),
                              escaped(command->get_name()), escaped(sentence(command->get_description())));
    }
  }
  page += section("COMMANDS", commands);
  return page + section("EXIT STATUS", ".nf\n" + escaped(exit_codes) + "\n.fi");
}

}  // namespace tessera
