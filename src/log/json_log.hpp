// Logs as JSON lines on standard error: {"time", "level", "component", "message"}, and on a terminal as plain
// text. Requests and jobs are named in the message as "job ID [REQUEST-ID]".
// A message that is itself a JSON object gives its members to the line instead.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace tessera {

enum class LogFormat : std::uint8_t { automatic, json, text };

/// `level`: trace, debug, info, warning, error or off. Throws Error(usage) for others.
[[nodiscard]] std::shared_ptr<spdlog::logger> make_logger(const std::string& component,
                                                          const std::string& level,
                                                          LogFormat format = LogFormat::automatic);

}  // namespace tessera
