// Which network addresses are whose.
#pragma once

#include <sys/socket.h>

#include <string>

namespace tessera {

/// Whether an IPv4 or IPv6 address is one of the public Internet: not loopback, private, link-local, shared,
/// multicast, documentation or reserved (IANA's special-purpose registries; addresses that carry an IPv4
/// address inside count as that one).
[[nodiscard]] bool is_public_address(const sockaddr& address);
/// As people write it, without the port.
[[nodiscard]] std::string address_text(const sockaddr& address);

}  // namespace tessera
