// SPDX-License-Identifier: Apache-2.0
// Entry function for long-lived threads.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <stop_token>
#include <string_view>

namespace tessera {

/// Runs `loop` until it returns. An exception does not end the process: it is logged, and the loop restarts
/// after a pause that grows to five seconds, unless `stop` is requested. `name` describes the task in the
/// log: "following events". Without a log, failures are not reported.
void run_guarded(std::string_view name, spdlog::logger* log, const std::stop_token& stop,
                 const std::function<void()>& loop);

}  // namespace tessera
