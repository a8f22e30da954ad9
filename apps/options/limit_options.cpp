// SPDX-License-Identifier: Apache-2.0
#include "limit_options.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/amount.hpp"

namespace tessera {

void add_limit_options(CLI::App& app, WorkLimits& limits, LimitSources sources) {
  for (const LimitInfo& info : limit_table) {
    const std::string flag = fmt::format("--{}", info.name);
    const std::int64_t value = info.get(limits);
    const std::int64_t least = info.zero.empty() ? 1 : 0;
    const std::string fallback = value == 0 ? std::string(info.zero) : fmt::format("{}", value);
    CLI::Option* const option = app.add_option_function<std::string>(
                                       flag,
                                       [flag, least, &info, &limits](const std::string& text) {
                                         info.set(limits, parse_amount(flag, text, least));
                                       },
                                       fmt::format("{} (default: {})", info.doc, fallback))
                                    ->type_name("N[k|M|G|T]")
                                    ->group("Limits");
    if (sources == LimitSources::and_environment) {
      option->envname(std::string(info.environment));
    }
  }
}

}  // namespace tessera
