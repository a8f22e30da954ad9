// SPDX-License-Identifier: Apache-2.0
// Which server jobs go to, as the user has set it.
#pragma once

#include <QString>
#include <optional>

#include "client/client.hpp"

namespace tessera::desktop {

struct ServerSettings {
  QString address;  ///< "https://tessera.example.org"; empty: none is set
  QString token;    ///< empty: none is sent
  QString ca_file;  ///< PEM; empty: the system's certificates
  bool operator==(const ServerSettings&) const = default;
};

/// As people type them: "tessera.example.org:8080" becomes "https://...", or "http://..." on this computer.
[[nodiscard]] QString normalised_address(const QString& typed);
/// What is wrong with the settings, in a sentence; nothing if they can be used.
[[nodiscard]] std::optional<QString> problem_with(const ServerSettings& settings);
/// What is unwise about them: a token that would travel unencrypted.
[[nodiscard]] std::optional<QString> warning_about(const ServerSettings& settings);
[[nodiscard]] ClientOptions client_options(const ServerSettings& settings);

/// The token is not among the other settings, which people copy and show around: it lies in a file of its own
/// that only the user can read (mode 0600).
[[nodiscard]] ServerSettings load_server_settings();
/// Returns what went wrong, in a sentence.
[[nodiscard]] std::optional<QString> save_server_settings(const ServerSettings& settings);
[[nodiscard]] QString token_file();

}  // namespace tessera::desktop
