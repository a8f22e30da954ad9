// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include <algorithm>
#include <new>
#include <string>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"

namespace tessera {
namespace {

int tell(const Error& error) {
  // It may name files and operators as others wrote them.
  print_sentence(printable(error.what()));
  return meaning(error.code()).exit_code;
}

}  // namespace

int exit_code_of(const std::function<int()>& program) {
  try {
    return program();
  } catch (const Error& error) {
    return tell(error);
  } catch (const std::bad_alloc&) {
    return tell({ErrorCode::limit_exceeded,
                 "Memory ran out. Use more ranks, fewer threads, or a machine with more memory."});
  } catch (const std::exception& error) {
    return tell({ErrorCode::internal, "Internal error: " + std::string(error.what())});
  }
}

void join_optional_value(std::vector<std::string>& arguments, const std::string& flag,
                         const std::vector<std::string>& values) {
  for (std::size_t i = 0; i + 1 < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i] == flag && std::find(values.begin(), values.end(), arguments[i + 1]) != values.end()) {
      arguments[i] += "=" + arguments[i + 1];
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
}

}  // namespace tessera
