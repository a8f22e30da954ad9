// SPDX-License-Identifier: Apache-2.0
// Any text as the address of a broker, as a place of this machine, as an object's name and as an escaped
// text: an Error of the right kind, or something sane.
#include <cstdint>
#include <cstdlib>

#include "adapters/path_url.hpp"
#include "adapters/rabbitmq/broker_address.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "net/crypto.hpp"
#include "ports/object_store.hpp"

namespace {

using namespace tessera;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

template <class Work>
void refused_or(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    check(error.code() == ErrorCode::usage);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  refused_or([&] {
    const BrokerAddress address = parse_broker_url(text);
    check(!address.host.empty() && address.port > 0 && address.port < 65536);
    check(!address.shown().empty());
  });
  refused_or([&] { check(absolute_path_of(text, "file://", "a folder", "file:///x").is_absolute()); });
  refused_or([&] {
    check_object_name(text);
    check(is_utf8(text) && !text.starts_with('/') && ("/" + text + "/").find("/../") == std::string::npos);
  });
  check(percent_decode(percent_encode(text)) == text || text.find('\0') != std::string::npos);
  for (const bool plus_is_space : {false, true}) {
    const auto decoded = percent_decode(text, plus_is_space);
    check(!decoded || decoded->size() <= text.size());
  }
  return 0;
}
