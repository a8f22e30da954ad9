// SPDX-License-Identifier: Apache-2.0
#include "plan/pipeline.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "plan/parse_json.hpp"
#include "plan/presets_file.hpp"

namespace tessera {
namespace {

// Far above what anyone writes by hand, low enough that presets built of presets cannot grow without end.
constexpr std::size_t max_text_bytes = 64 * 1024;
constexpr std::size_t max_steps = 256;

/// Runs `check`; an Error it throws gets `where` appended.
template <class Check>
auto located(const std::string& where, Check&& check) {
  try {
    return check();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{} ({})", error.what(), where));
  }
}

void append_step(PipelineSteps& pipeline, PipelineStep step) {
  if (pipeline.size() >= max_steps) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("A pipeline may have {} operators, but this one has more.", max_steps));
  }
  pipeline.push_back(std::move(step));
}

void append_preset(PipelineSteps& pipeline, std::string_view name, const Presets& presets) {
  const auto found = presets.find(std::string(name));
  if (found == presets.end()) {
    std::vector<std::string> names;
    for (const auto& [known, steps] : presets) {
      names.push_back(known);
    }
    const std::string suggestion = nearest(name, names);
    throw Error(
        ErrorCode::usage,
        fmt::format("There is no preset '{}'. {}", name,
                    names.empty()         ? "No presets are defined."
                    : !suggestion.empty() ? fmt::format("Did you mean '@{}'?", suggestion)
                                          : fmt::format("The presets are: {}.", fmt::join(names, ", "))));
  }
  for (const PipelineStep& step : found->second) {
    append_step(pipeline, step);
  }
}

/// Older versions can be run where the operator knows what they mean in the present one.
const CatalogEntry& find_version(std::string_view name, std::optional<std::int64_t> version) {
  const CatalogEntry& entry = find_operator(name);
  const bool upgraded = version && entry.upgrade && *version >= 1 && *version < entry.info.version;
  if (version && *version != entry.info.version && !upgraded) {
    throw Error(ErrorCode::unknown_operator,
                fmt::format("{}: version {} was asked for, but this Tessera has version {} only.", name,
                            *version, entry.info.version));
  }
  return entry;
}

Json upgraded_parameters(const CatalogEntry& entry, Json parameters, std::int64_t version) {
  if (!parameters.is_object()) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("{}: parameters must be a JSON object of names and values.", entry.info.name));
  }
  return entry.upgrade(std::move(parameters), static_cast<int>(version));
}

const ParamInfo* find_param(const CatalogEntry& entry, std::string_view name) {
  const auto found = std::find_if(entry.params.begin(), entry.params.end(),
                                  [&](const ParamInfo& param) { return param.name == name; });
  return found == entry.params.end() ? nullptr : &*found;
}

/// Checks one parameter and stores it. A whole number given for a real one becomes real, so that text and
/// JSON of the same pipeline are equal.
void set_parameter(PipelineStep& step, const CatalogEntry& entry, const std::string& name, Json value) {
  check_params(entry.info.name, entry.params, Json{{name, value}});
  const ParamInfo* param = find_param(entry, name);
  if (param->type == ParamType::number) {
    value = value.get<double>();
  }
  step.parameters[name] = std::move(value);
}

class TextParser {
 public:
  TextParser(std::string_view text, const Presets& presets) : text_(text), presets_(presets) {}

  PipelineSteps parse() {
    PipelineSteps pipeline;
    skip_space();
    if (done()) {
      return pipeline;
    }
    while (true) {
      parse_step(pipeline);
      if (done()) {
        return pipeline;
      }
      ++at_;  // the '|' that ended the step
    }
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  [[nodiscard]] bool step_ended() const { return done() || text_[at_] == '|'; }
  void skip_space() {
    while (!done() && is_space(text_[at_])) {
      ++at_;
    }
  }
  [[nodiscard]] std::string where(std::size_t at) const {
    return fmt::format("at character {} of the pipeline", column_of(text_, at));
  }
  [[noreturn]] void refuse(std::size_t at, const std::string& sentence) const {
    throw Error(ErrorCode::usage, fmt::format("{} ({})", sentence, where(at)));
  }

  /// Characters up to a space, '|', a quote or one of `stops`.
  std::string_view bare_word(std::string_view stops) {
    const std::size_t begin = at_;
    while (!step_ended() && !is_space(text_[at_]) && text_[at_] != '"' &&
           stops.find(text_[at_]) == std::string_view::npos) {
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

  void parse_step(PipelineSteps& pipeline) {
    skip_space();
    const std::size_t begin = at_;
    if (step_ended()) {
      refuse(begin, "An operator is missing before or after '|'.");
    }
    const std::string_view word = bare_word("=");
    if (!step_ended() && !is_space(text_[at_])) {
      refuse(at_,
             fmt::format("'{}' cannot follow here: a step begins with the name of an operator.", text_[at_]));
    }
    if (word.starts_with('@')) {
      located(where(begin), [&] { append_preset(pipeline, word.substr(1), presets_); });
      skip_space();
      if (!step_ended()) {
        refuse(at_, fmt::format("The preset '{}' takes no parameters.", word));
      }
      return;
    }
    const std::size_t mark = word.find('@');
    const std::string_view name = word.substr(0, mark);
    std::optional<std::int64_t> version;
    if (mark != std::string_view::npos) {
      const std::string_view digits = word.substr(mark + 1);
      if (digits.empty() || digits.size() > 9 ||
          digits.find_first_not_of("0123456789") != std::string_view::npos) {
        refuse(begin + mark + 1,
               fmt::format("'{}' is not a version: write {}@1, for example.", digits, name));
      }
      version = std::stoll(std::string(digits));
    }
    const CatalogEntry& entry = *located(where(begin), [&] { return &find_version(name, version); });
    PipelineStep step{std::string(name)};
    const bool older = version && *version != entry.info.version;
    for (skip_space(); !step_ended(); skip_space()) {
      if (!parse_shorthand(step, entry)) {
        parse_parameter(step, entry, older);
      }
    }
    if (older) {
      located(where(begin), [&] {
        step.parameters = upgraded_parameters(entry, std::move(step.parameters), *version);
        check_params(step.name, entry.params, step.parameters);
      });
    }
    located(where(begin), [&] { append_step(pipeline, std::move(step)); });
  }

  /// A word without '=' that the operator understands, such as the "50%" of "resize 50%".
  bool parse_shorthand(PipelineStep& step, const CatalogEntry& entry) {
    const std::size_t begin = at_;
    const std::string_view word = bare_word("=");
    const bool alone = step_ended() || is_space(text_[at_]);
    const Json parameters = alone && entry.shorthand ? entry.shorthand(word) : Json();
    if (parameters.is_null()) {
      at_ = begin;
      return false;
    }
    for (const auto& [name, value] : parameters.items()) {
      if (step.parameters.contains(name)) {
        refuse(begin, fmt::format("{}: parameter '{}' is given twice.", step.name, name));
      }
      located(where(begin), [&] {
        check_params(step.name, entry.params, Json{{name, value}});
        set_parameter(step, entry, name, value);
      });
    }
    return true;
  }

  /// Values of older versions are checked when they have been upgraded.
  void parse_parameter(PipelineStep& step, const CatalogEntry& entry, bool older) {
    const std::size_t begin = at_;
    const std::string name(bare_word("="));
    if (name.empty() || done() || text_[at_] != '=') {
      refuse(begin, fmt::format("{}: '{}' is not a parameter: write name=value, without spaces around '='.",
                                step.name, name.empty() ? std::string(1, text_[begin]) : name));
    }
    if (step.parameters.contains(name)) {
      refuse(begin, fmt::format("{}: parameter '{}' is given twice.", step.name, name));
    }
    ++at_;
    const std::size_t value_begin = at_;
    const std::string value = parse_value(step.name, name);
    located(where(begin), [&] {
      const ParamInfo* param = find_param(entry, name);
      // An unknown name is refused by the check that follows, which knows the nearest one.
      Json parsed = param != nullptr ? parse_text_value(entry.info.name, *param, value) : Json(value);
      if (older) {
        step.parameters[name] = std::move(parsed);
      } else {
        set_parameter(step, entry, name, std::move(parsed));
      }
    });
    if (!step_ended() && !is_space(text_[at_])) {
      refuse(value_begin, fmt::format("{}: the value of '{}' must be quoted as a whole.", step.name, name));
    }
  }

  std::string parse_value(const std::string& operator_name, const std::string& name) {
    const std::size_t begin = at_;
    if (done() || text_[at_] != '"') {
      const std::string_view word = bare_word("");
      if (word.empty()) {
        refuse(begin, fmt::format("{}: parameter '{}' has no value: write {}=\"\" for an empty one.",
                                  operator_name, name, name));
      }
      return std::string(word);
    }
    ++at_;
    std::string value;
    while (!done() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        ++at_;
        if (done() || (text_[at_] != '"' && text_[at_] != '\\')) {
          refuse(at_ - 1, "Inside quotes, a backslash must be followed by '\"' or another backslash.");
        }
      }
      value += text_[at_];
      ++at_;
    }
    if (done()) {
      refuse(begin,
             fmt::format("{}: the quote that begins the value of '{}' is not closed.", operator_name, name));
    }
    ++at_;
    return value;
  }

  std::string_view text_;
  const Presets& presets_;
  std::size_t at_ = 0;
};

PipelineStep step_from_json(const Json& item) {
  if (!item.is_object()) {
    throw Error(ErrorCode::usage,
                "An operator must be an object like {\"name\": \"otsu\", \"parameters\": {}}.");
  }
  for (const auto& [key, value] : item.items()) {
    if (key != "name" && key != "version" && key != "parameters") {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' is not a member of an operator: it has name, version and parameters.", key));
    }
  }
  const auto name = item.find("name");
  if (name == item.end() || !name->is_string()) {
    throw Error(ErrorCode::usage, "An operator needs a \"name\", as text.");
  }
  std::optional<std::int64_t> version;
  if (const auto found = item.find("version"); found != item.end()) {
    if (!found->is_number_integer()) {
      throw Error(ErrorCode::usage, "The \"version\" of an operator must be a whole number.");
    }
    version = found->get<std::int64_t>();
  }
  const CatalogEntry& entry = find_version(name->get_ref<const std::string&>(), version);
  PipelineStep step{std::string(entry.info.name)};
  const auto given = item.find("parameters");
  Json parameters = given != item.end() ? *given : Json::object();
  if (version && *version != entry.info.version) {
    parameters = upgraded_parameters(entry, std::move(parameters), *version);
  }
  check_params(step.name, entry.params, parameters);
  for (const auto& [key, value] : parameters.items()) {
    set_parameter(step, entry, key, value);
  }
  return step;
}

std::string value_text(const Json& value) {
  std::string plain;
  if (value.is_string()) {
    plain = value.get<std::string>();
  } else if (value.is_number_float()) {
    plain = fmt::format("{}", value.get<double>());
  } else {
    plain = value.dump();
  }
  if (!plain.empty() && plain.find_first_of(" \t\n\r|\"") == std::string::npos) {
    return plain;
  }
  std::string quoted = "\"";
  for (const char c : plain) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

PipelineSteps pipeline_from_json(const Json& json, const Presets& presets) {
  const Json* operators = &json;
  std::string path;
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      if (key != "operators") {
        throw Error(ErrorCode::usage,
                    fmt::format("'{}' is not a member of a pipeline: it has \"operators\" only.", key));
      }
    }
    const auto found = json.find("operators");
    if (found == json.end()) {
      throw Error(ErrorCode::usage, "A JSON pipeline needs a member \"operators\".");
    }
    operators = &*found;
    path = "operators";
  }
  if (!operators->is_array()) {
    throw Error(ErrorCode::usage, "The operators of a JSON pipeline must be an array of one or more.");
  }
  PipelineSteps pipeline;
  for (std::size_t i = 0; i < operators->size(); ++i) {
    const Json& item = (*operators)[i];
    located(fmt::format("at {}[{}] of the pipeline", path, i), [&] {
      const auto preset = item.is_object() ? item.find("preset") : item.end();
      if (preset != item.end()) {
        if (!preset->is_string() || item.size() != 1) {
          throw Error(ErrorCode::usage, "A preset is written as {\"preset\": \"name\"}, with nothing else.");
        }
        append_preset(pipeline, preset->get_ref<const std::string&>(), presets);
      } else {
        append_step(pipeline, step_from_json(item));
      }
    });
  }
  return pipeline;
}

PipelineSteps parse_pipeline(std::string_view text, const Presets& presets) {
  if (text.size() > max_text_bytes) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("A pipeline may be {} bytes long, but this one has {}.", max_text_bytes, text.size()));
  }
  if (const std::size_t bad = first_invalid_utf8(text); bad != std::string_view::npos) {
    throw Error(ErrorCode::usage, fmt::format("The pipeline is not valid UTF-8 at byte {}.", bad + 1));
  }
  const std::size_t first = text.find_first_not_of(" \t\n\r");
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    return pipeline_from_json(parse_json(text, "The pipeline"), presets);
  }
  return TextParser(text, presets).parse();
}

Presets parse_presets(std::string_view text) {
  const Json json = parse_json(text, "The presets file");
  const auto list = json.is_object() ? json.find("presets") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_object()) {
    throw Error(ErrorCode::usage,
                "A presets file must look like {\"presets\": {\"soft\": \"gaussian-blur sigma=2\"}}.");
  }
  Presets presets;
  for (auto item = list->begin(); item != list->end(); ++item) {
    const std::string& name = item.key();
    const Json& value = item.value();
    check_preset_name(name);
    presets[name] = located(fmt::format("in the preset '{}'", name), [&] {
      return value.is_string() ? parse_pipeline(value.get_ref<const std::string&>(), presets)
                               : pipeline_from_json(value, presets);
    });
  }
  return presets;
}

std::string to_text(const PipelineSteps& pipeline) {
  std::string text;
  for (const PipelineStep& step : pipeline) {
    if (!text.empty()) {
      text += " | ";
    }
    text += step.name;
    for (const auto& [name, value] : step.parameters.items()) {
      text += fmt::format(" {}={}", name, value_text(value));
    }
  }
  return text;
}

Json to_json(const PipelineSteps& pipeline) {
  Json operators = Json::array();
  for (const PipelineStep& step : pipeline) {
    operators.push_back(Json{{"name", step.name},
                             {"version", find_operator(step.name).info.version},
                             {"parameters", step.parameters}});
  }
  return Json{{"operators", std::move(operators)}};
}

std::vector<Operator> build_pipeline(const PipelineSteps& pipeline, const ImageLoader& load) {
  std::vector<Operator> operators;
  operators.reserve(pipeline.size());
  for (const PipelineStep& step : pipeline) {
    operators.push_back(build_operator(step.name, step.parameters, load));
  }
  return operators;
}

}  // namespace tessera
