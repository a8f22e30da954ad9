// The entry of threads that work for as long as their process lives.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <stop_token>
#include <string_view>

namespace tessera {

/// Runs `loop` until it returns. What it throws, whatever that is, does not end the process: it is logged,
/// and the loop begins again after a pause that grows to five seconds, unless `stop` is asked meanwhile.
/// `name` says what stands still: "following events". Without a log nothing is told.
void run_guarded(std::string_view name, spdlog::logger* log, const std::stop_token& stop,
                 const std::function<void()>& loop);

}  // namespace tessera
