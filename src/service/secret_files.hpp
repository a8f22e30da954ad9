// SPDX-License-Identifier: Apache-2.0
// Secrets in private files, created at a service's first start.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ports/job_store.hpp"

namespace tessera::service {

/// Atomically writes `text` to a file with mode 0600, synced when this returns. Throws Error(io).
void write_secret_file(const std::filesystem::path& file, const std::string& text);

/// The secret in a file, without surrounding white space. Throws Error(not_found, io, usage).
[[nodiscard]] std::string read_secret_file(const std::filesystem::path& file);

/// The secret for signing links, created if the file does not exist or is empty (as after a power failure
/// with an older version).
[[nodiscard]] std::string link_secret_in(const std::filesystem::path& file);

/// Creates a folder that only its user can access, or makes an existing one private. Returns a warning if it
/// was accessible to others until now. Throws Error(io).
std::optional<std::string> make_private_folder(const std::filesystem::path& folder);

/// Creates the first token of a service, for the owner "local" with the scopes submit, read and admin, and
/// stores it in `file` for the same user's commands. Does nothing if the store has other tokens, or if the
/// token of the file was revoked. `store_is_new` means that the store was just created: an existing token in
/// the file is then added to it. Returns a description of what was done, if anything.
std::optional<std::string> make_first_token(TokenStore& tokens, const std::filesystem::path& file,
                                            bool store_is_new);

}  // namespace tessera::service
