#include "log/json_log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include "core/error.hpp"
#include "ports/job.hpp"

namespace tessera {
namespace {

std::string_view level_name(spdlog::level::level_enum level) {
  const auto& name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    Json line{{"time", to_iso8601(std::chrono::floor<std::chrono::milliseconds>(message.time))},
              {"level", level_name(message.level)},
              {"component", std::string_view(message.logger_name.data(), message.logger_name.size())}};
    const std::string_view payload(message.payload.data(), message.payload.size());
    const Json fields = payload.starts_with('{') ? Json::parse(payload, nullptr, false) : Json();
    if (fields.is_object()) {
      line.update(fields);
    } else {
      line["message"] = payload;
    }
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

std::shared_ptr<spdlog::logger> make_logger(const std::string& component, const std::string& level,
                                            LogFormat format) {
  const auto chosen = spdlog::level::from_str(level);
  if (chosen == spdlog::level::off && level != "off") {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is no log level; use trace, debug, info, warning, error or off.", level));
  }
  auto logger =
      std::make_shared<spdlog::logger>(component, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(chosen);
  if (format == LogFormat::json || (format == LogFormat::automatic && ::isatty(STDERR_FILENO) != 1)) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%H:%M:%S %n %l: %v");
  }
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace tessera
