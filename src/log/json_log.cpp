// SPDX-License-Identifier: Apache-2.0
#include "log/json_log.hpp"

#include <fmt/chrono.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

std::string_view level_name(spdlog::level::level_enum level) {
  const auto& name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

std::string_view payload_of(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

/// Null for a plain sentence.
Json fields_of(std::string_view payload) {
  Json fields = payload.starts_with('{') ? Json::parse(payload, nullptr, false) : Json();
  return fields.is_object() ? fields : Json();
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string_view payload = payload_of(message);
    // A payload of fields is checked and taken as it is: to parse it, and to write it again, takes longer than to answer
    // a request from memory.
    const bool has_fields = payload.starts_with("{\"") && Json::accept(payload);
    const std::string fields =
        has_fields ? std::string(payload.substr(1)) : fmt::format(R"("message":{}}})", dump(payload));
    fmt::format_to(
        std::back_inserter(out), R"({{"time":"{}","level":"{}","component":{},{}{})",
        to_iso8601(std::chrono::floor<std::chrono::milliseconds>(message.time)), level_name(message.level),
        dump(std::string_view(message.logger_name.data(), message.logger_name.size())), fields, '\n');
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

/// "12:34:56 node info: done, 1234 bytes (job job_01, request_id req_01)"
class TextFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string_view payload = payload_of(message);
    Json fields = fields_of(payload);
    std::string sentence(payload);
    if (fields.is_object()) {
      sentence = fields.value("message", "");
      fields.erase("message");
      std::string about;
      for (const auto& [name, value] : fields.items()) {
        about += (about.empty() ? "" : ", ") + name + ' ' +
                 (value.is_string() ? value.get<std::string>() : dump(value));
      }
      sentence += sentence.empty() ? about : about.empty() ? "" : " (" + about + ")";
    }
    const std::time_t seconds = spdlog::log_clock::to_time_t(message.time);
    const std::string line =
        fmt::format("{:%H:%M:%S} {} {}: {}\n", fmt::localtime(seconds),
                    std::string_view(message.logger_name.data(), message.logger_name.size()),
                    level_name(message.level), printable(sentence));
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<TextFormatter>();
  }
};

}  // namespace

void log_about(spdlog::logger& log, spdlog::level::level_enum level, std::string_view sentence,
               const Json& about) {
  Json line{{"message", sentence}};
  line.update(about);
  log.log(level, dump(line));
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& component, const std::string& level,
                                            LogFormat format) {
  const auto chosen = spdlog::level::from_str(level);
  if (chosen == spdlog::level::off && level != "off") {
    throw Error(
        ErrorCode::usage,
        fmt::format("'{}' is not a log level; use trace, debug, info, warning, error or off.", level));
  }
  auto logger =
      std::make_shared<spdlog::logger>(component, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(chosen);
  if (format == LogFormat::json || (format == LogFormat::automatic && ::isatty(STDERR_FILENO) != 1)) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_formatter(std::make_unique<TextFormatter>());
  }
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace tessera
