// Logs as JSON lines on standard error: {"time", "level", "component", "message"}, and on a terminal as plain
// text. A message that is itself a JSON object gives its members to the line instead: "job" and "request_id"
// follow a job through all components.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace tessera {

enum class LogFormat : std::uint8_t { automatic, json, text };

/// `level`: trace, debug, info, warning, error or off. Throws Error(usage) for others.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_logger(const std::string& component,
                                                          const std::string& level,
                                                          LogFormat format = LogFormat::automatic);

/// Logs a sentence with what it is about: members of the JSON line, or behind the sentence in text.
void log_about(spdlog::logger& log, spdlog::level::level_enum level, std::string_view sentence,
               const Json& about);

}  // namespace tessera
