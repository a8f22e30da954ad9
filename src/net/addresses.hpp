// SPDX-License-Identifier: Apache-2.0
// Classification of network addresses.
#pragma once

#include <sys/socket.h>

#include <string>

namespace tessera {

/// Whether an IPv4 or IPv6 address is on the public Internet: not loopback, private, link-local, shared,
/// multicast, documentation or reserved (IANA's special-purpose registries; addresses that embed an IPv4
/// address count as that address).
[[nodiscard]] bool is_public_address(const sockaddr& address);
/// The address as text, without the port.
[[nodiscard]] std::string address_text(const sockaddr& address);

}  // namespace tessera
