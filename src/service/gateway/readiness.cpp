// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/readiness.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>

namespace tessera::service {
namespace {

constexpr const char* unknown = "It has not been checked yet.";
constexpr const char* away = "It does not respond correctly; the gateway's log has the reason.";

}  // namespace

Readiness::Readiness(Options options, std::vector<Part> parts) : options_(std::move(options)) {
  const Time now = std::chrono::steady_clock::now();
  for (Part& part : parts) {
    states_.push_back({std::move(part), unknown, now});
  }
  for (State& state : states_) {
    probes_.emplace_back([this, &state](const std::stop_token& stop) { probe(state, stop); });
  }
}

Readiness::~Readiness() {
  for (std::jthread& probe : probes_) {
    probe.request_stop();
  }
}

void Readiness::probe(State& state, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      const std::scoped_lock lock(mutex_);
      state.open = true;
      state.checked = std::chrono::steady_clock::now();
    }
    std::string wrong;
    std::string details;
    try {
      wrong = state.part.check();
    } catch (const std::exception& error) {
      wrong = away;
      details = error.what();
    } catch (...) {
      wrong = away;
    }
    std::unique_lock lock(mutex_);
    note(state, wrong, details);
    stopping_.wait_for(lock, stop, options_.interval, [] { return false; });
  }
}

void Readiness::note(State& state, const std::string& wrong, const std::string& details) {
  state.open = false;
  if (state.wrong != wrong && options_.log) {
    if (wrong.empty()) {
      options_.log->info("{} is ready", state.part.name);
    } else {
      options_.log->warn("{} is not ready: {}", state.part.name, details.empty() ? wrong : details);
    }
  }
  state.wrong = wrong;
}

Json Readiness::parts() const {
  Json parts = Json::object();
  const Time now = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  for (const State& state : states_) {
    const auto silence = now - state.checked;
    if (state.open && silence > options_.time_limit) {
      parts[state.part.name] = fmt::format("It has not responded for {} s.",
                                           std::chrono::duration_cast<std::chrono::seconds>(silence).count());
    } else {
      parts[state.part.name] = state.wrong.empty() ? "ready" : state.wrong;
    }
  }
  return parts;
}

}  // namespace tessera::service
