// SPDX-License-Identifier: Apache-2.0
// Logs as JSON lines on standard error: {"time", "level", "component", "message"}, and as plain text on a
// terminal. If a message is itself a JSON object, its members are added to the line: "job" and "request_id"
// appear in all components' lines about a job.
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

/// Logs a sentence with context fields: members of the JSON line, or in parentheses after the text.
void log_about(spdlog::logger& log, spdlog::level::level_enum level, std::string_view sentence,
               const Json& about);

}  // namespace tessera
