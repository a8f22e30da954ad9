// SPDX-License-Identifier: Apache-2.0
// tessera completion: scripts for shells, drawn from the command line's own definition and from the
// catalogue.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "base/error.hpp"
#include "command.hpp"
#include "ops/catalog.hpp"

namespace tessera::cli {
namespace {

struct Flag {
  std::vector<std::string> names;  ///< with their dashes
  std::string description;
  bool takes_value = false;
};

struct Subcommand {
  std::string name;
  std::string description;
  std::vector<Flag> flags;
  bool takes_pipeline = false;
  bool takes_operator = false;
  std::vector<Subcommand> parts = {};  ///< commands of its own, such as "presets save"
};

std::vector<std::string> part_names(const Subcommand& command) {
  std::vector<std::string> names;
  for (const Subcommand& part : command.parts) {
    names.push_back(part.name);
  }
  return names;
}

/// Also those of its parts.
std::vector<Flag> all_flags(const Subcommand& command) {
  std::vector<Flag> flags = command.flags;
  for (const Subcommand& part : command.parts) {
    std::ranges::copy_if(part.flags, std::back_inserter(flags), [&](const Flag& flag) {
      return std::ranges::find(flags, flag.names, &Flag::names) == flags.end();
    });
  }
  return flags;
}

std::vector<Flag> flags_of(const CLI::App& app) {
  std::vector<Flag> flags;
  for (const CLI::Option* option : app.get_options()) {
    Flag flag{{}, option->get_description(), option->get_items_expected_max() > 0};
    for (const std::string& name : option->get_lnames()) {
      flag.names.push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      flag.names.push_back("-" + name);
    }
    if (!flag.names.empty()) {
      flags.push_back(std::move(flag));
    }
  }
  return flags;
}

std::vector<Subcommand> subcommands_of(const CLI::App& program) {
  std::vector<Subcommand> commands;
  for (const CLI::App* app : program.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back({app->get_name(), app->get_description(), flags_of(*app),
                        app->get_option_no_throw("PIPELINE") != nullptr, app->get_name() == "ops",
                        subcommands_of(*app)});
  }
  return commands;
}

/// What may follow `name=`, when it can be listed.
std::vector<std::string> listed_values(const ParamInfo& param) {
  if (param.type == ParamType::boolean) {
    return {"true", "false"};
  }
  return param.choices;
}

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : catalog()) {
    names.emplace_back(entry.info.name);
  }
  return names;
}

std::vector<std::string> parameter_words(const CatalogEntry& entry) {
  std::vector<std::string> words;
  for (const ParamInfo& param : entry.params) {
    const auto values = listed_values(param);
    if (values.empty()) {
      words.push_back(param.name + "=");
    }
    for (const std::string& value : values) {
      words.push_back(fmt::format("{}={}", param.name, value));
    }
  }
  return words;
}

/// A function that prints the words of the parameters of the operator $1, for bash and zsh.
std::string parameter_function() {
  std::string text = "_tessera_parameters() {\n  case \"$1\" in\n";
  for (const CatalogEntry& entry : catalog()) {
    if (!entry.params.empty()) {
      text += fmt::format("    {}) echo '{}' ;;\n", entry.info.name, fmt::join(parameter_words(entry), " "));
    }
  }
  return text + "  esac\n}\n";
}

std::string bash_script(const std::vector<Subcommand>& commands, const std::vector<Flag>& program_flags) {
  std::string text =
      "# Completion of tessera for bash: source this file, or put it into\n"
      "# ~/.local/share/bash-completion/completions/tessera\n";
  text += parameter_function();
  text += fmt::format("_tessera_operators='{}'\n", fmt::join(operator_names(), " "));
  text += R"sh(
# "@name" is one word here, not a host's name.
COMP_WORDBREAKS=${COMP_WORDBREAKS//@}

_tessera_presets() {
  { "${COMP_WORDS[0]}" presets --names; } 2> /dev/null
}

# Completes the last word of a pipeline: an operator or @preset after '|', else a parameter of the operator before.
_tessera_pipeline() {
  local text=${1#[\"\']} step head word candidate
  step=${text##*|}
  step=${step#"${step%%[![:space:]]*}"}
  word=${step##*[[:space:]]}
  head=${text%"$word"}
  if [[ $step == *[[:space:]]* ]]; then
    COMPREPLY=($(compgen -W "$(_tessera_parameters "${step%%[[:space:]]*}")" -- "$word"))
  elif [[ $word == @* ]]; then
    COMPREPLY=($(compgen -P @ -W "$(_tessera_presets)" -- "${word#@}"))
  else
    COMPREPLY=($(compgen -W "$_tessera_operators" -- "$word"))
  fi
  for candidate in "${!COMPREPLY[@]}"; do
    COMPREPLY[candidate]=$head${COMPREPLY[candidate]}
  done
  compopt -o nospace
}

_tessera() {
  local cur=${COMP_WORDS[COMP_CWORD]} command='' positional=0 i word flags='' values=''
  COMPREPLY=()
)sh";
  text += "  local pipeline='' operator='' parts='' part='' commands='";
  for (const Subcommand& command : commands) {
    text += command.name + " ";
  }
  text += "'\n  local program_flags='";
  for (const Flag& flag : program_flags) {
    text += fmt::format("{} ", fmt::join(flag.names, " "));
  }
  text += R"sh('
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "$commands $program_flags" -- "$cur"))
    return
  fi
  command=${COMP_WORDS[1]}
  case "$command" in
)sh";
  for (const Subcommand& command : commands) {
    std::vector<std::string> all;
    std::vector<std::string> with_value;
    for (const Flag& flag : all_flags(command)) {
      all.insert(all.end(), flag.names.begin(), flag.names.end());
      if (flag.takes_value) {
        with_value.insert(with_value.end(), flag.names.begin(), flag.names.end());
      }
    }
    text += fmt::format("    {}) flags='{}' values=' {} ' pipeline='{}' operator='{}' parts='{}' ;;\n",
                        command.name, fmt::join(all, " "), fmt::join(with_value, " "),
                        command.takes_pipeline ? "yes" : "", command.takes_operator ? "yes" : "",
                        fmt::join(part_names(command), " "));
  }
  text += R"sh(  esac
  for (( i = 2; i < COMP_CWORD; ++i )); do
    word=${COMP_WORDS[i]}
    if [[ $values == *" $word "* ]]; then
      (( ++i ))
    elif [[ $word != -?* ]]; then
      (( ++positional ))
      [[ -n $part ]] || part=$word
    fi
  done
  if [[ $values == *" ${COMP_WORDS[COMP_CWORD-1]} "* ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  elif [[ -n $pipeline && $positional == 0 || $command == presets && $part == save && $positional == 2 ]]; then
    _tessera_pipeline "$cur"
  elif [[ -n $parts && $positional == 0 ]]; then
    COMPREPLY=($(compgen -W "$parts" -- "$cur"))
  elif [[ $command == presets ]]; then
    COMPREPLY=($(compgen -W "$(_tessera_presets)" -- "$cur"))
  elif [[ -n $operator && $positional == 0 ]]; then
    COMPREPLY=($(compgen -W "$_tessera_operators" -- "$cur"))
  elif [[ $command == completion ]]; then
    COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur"))
  else
    local IFS=$'\n'
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _tessera tessera
)sh";
  return text;
}

/// A description inside the brackets of _arguments, between single quotes.
std::string zsh_description(std::string_view description) {
  std::string text;
  for (const char c : description) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') {
      text += '\\';
    }
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text;
}

std::string zsh_script(const std::vector<Subcommand>& commands, const std::vector<Flag>&) {
  std::string text =
      "#compdef tessera\n# Completion of tessera for zsh: put this file into a folder of $fpath, named "
      "_tessera\n";
  text += parameter_function();
  text += fmt::format("_tessera_operators=({})\n", fmt::join(operator_names(), " "));
  text += R"sh(
_tessera_presets() {
  compadd "$@" -- ${(f)"$(tessera presets --names 2> /dev/null)"}
}

# Completes the last word of a pipeline: an operator or @preset after '|', else a parameter of the operator before.
_tessera_pipeline() {
  local -i at
  compset -q || words=() CURRENT=1
  at=$CURRENT
  while (( at > 1 )) && [[ $words[at-1] != '|' ]]; do (( at-- )); done
  if (( at == CURRENT )); then
    compadd -S '' -- $_tessera_operators @${^${(f)"$(tessera presets --names 2> /dev/null)"}}
  else
    compadd -S '' -- ${=$(_tessera_parameters $words[at])}
  fi
}

_tessera() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
)sh";
  for (const Subcommand& command : commands) {
    text += fmt::format("    '{}:{}'\n", command.name, zsh_description(command.description));
  }
  text += R"sh(  )
  _arguments -C '--help[Print help]' '--version[Print the version]' '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $words[1] in
)sh";
  for (const Subcommand& command : commands) {
    text += fmt::format("        {})\n          _arguments", command.name);
    for (const Flag& flag : all_flags(command)) {
      for (const std::string& name : flag.names) {
        text += fmt::format(" \\\n            '{}[{}]{}'", name, zsh_description(flag.description),
                            flag.takes_value ? ":value:_files" : "");
      }
    }
    if (command.takes_pipeline) {
      text += " \\\n            '1:pipeline:_tessera_pipeline'";
    } else if (command.takes_operator) {
      text += " \\\n            '1:operator:($_tessera_operators)'";
    } else if (command.name == "completion") {
      text += " \\\n            '1:shell:(bash zsh fish)'";
    } else if (command.name == "presets") {
      text += fmt::format(
          " \\\n            '1:action:({})' '2:preset:_tessera_presets' '3:pipeline:_tessera_pipeline'",
          fmt::join(part_names(command), " "));
    }
    text += " \\\n            '*:file:_files' ;;\n";
  }
  text +=
      "      esac ;;\n  esac\n}\n\nif [[ $funcstack[1] == _tessera ]]; then\n  _tessera \"$@\"\nelse\n  "
      "compdef "
      "_tessera tessera\nfi\n";
  return text;
}

std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + "'";
}

std::string fish_script(const std::vector<Subcommand>& commands, const std::vector<Flag>& program_flags) {
  std::string text =
      "# Completion of tessera for fish: put this file into ~/.config/fish/completions/tessera.fish\n";
  text += "function __tessera_parameters\n  switch $argv[1]\n";
  for (const CatalogEntry& entry : catalog()) {
    if (!entry.params.empty()) {
      text += fmt::format("    case {}\n      printf '%s\\n' {}\n", entry.info.name,
                          fmt::join(parameter_words(entry), " "));
    }
  }
  text += "  end\nend\n\nfunction __tessera_operators\n  printf '%s\\n'";
  for (const CatalogEntry& entry : catalog()) {
    text += fmt::format(" {}", entry.info.name);
  }
  text += R"sh(
end

function __tessera_presets
  tessera presets --names 2> /dev/null
end

# Completes the last word of a pipeline: an operator or @preset after '|', else a parameter of the operator before.
function __tessera_pipeline
  set -l text (commandline -ct | string trim --left --chars='"\'')
  set -l step (string replace -r '^.*\\|' '' -- "$text" | string trim --left)
  set -l word (string replace -r '^.*\\s' '' -- "$step")
  set -l head (string sub --length (math (string length -- "$text") - (string length -- "$word")) -- "$text")
  if string match -qr '\\s' -- "$step"
    __tessera_parameters (string replace -r '\\s.*$' '' -- "$step") | string replace -r '^' -- "$head"
  else
    __tessera_operators | string replace -r '^' -- "$head"
    __tessera_presets | string replace -r '^' -- "$head@"
  end
end

)sh";
  for (const Flag& flag : program_flags) {
    text += fmt::format("complete -c tessera -n __fish_use_subcommand -l {} -d {}\n",
                        flag.names.front().substr(2), fish_quoted(flag.description));
  }
  for (const Subcommand& command : commands) {
    text += fmt::format("complete -c tessera -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                        fish_quoted(command.description));
  }
  for (const Subcommand& command : commands) {
    const std::string condition = fmt::format("-n '__fish_seen_subcommand_from {}'", command.name);
    for (const Flag& flag : all_flags(command)) {
      text += fmt::format("complete -c tessera {}", condition);
      for (const std::string& name : flag.names) {
        text += name.starts_with("--") ? fmt::format(" -l {}", name.substr(2))
                                       : fmt::format(" -s {}", name.substr(1));
      }
      text += fmt::format("{} -d {}\n", flag.takes_value ? " -r" : "", fish_quoted(flag.description));
    }
    if (command.takes_pipeline) {
      text += fmt::format("complete -c tessera {} -a '(__tessera_pipeline)'\n", condition);
    } else if (command.takes_operator) {
      text += fmt::format("complete -c tessera -f {} -a '(__tessera_operators)'\n", condition);
    } else if (command.name == "completion") {
      text += fmt::format("complete -c tessera -f {} -a 'bash zsh fish'\n", condition);
    } else if (command.name == "presets") {
      text += fmt::format("complete -c tessera -f {} -a '{} (__tessera_presets)'\n", condition,
                          fmt::join(part_names(command), " "));
    }
  }
  return text;
}

}  // namespace

Command add_completion(CLI::App& program) {
  CLI::App* app = program.add_subcommand("completion", "Print a completion script for a shell");
  auto shell = std::make_shared<std::string>();
  app->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  return {app, [shell, &program] {
            const auto commands = subcommands_of(program);
            const auto flags = flags_of(program);
            const auto script = *shell == "bash" ? bash_script : *shell == "zsh" ? zsh_script : fish_script;
            fmt::print("{}", script(commands, flags));
            return 0;
          }};
}

}  // namespace tessera::cli
