// Secrets in files that only their user can read, made at a service's first start.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "ports/job_store.hpp"

namespace tessera::service {

/// Writes `text` to a file of mode 0600, in place of an old one: it is on the disk, whole, when this returns.
/// Throws Error(io).
void write_secret_file(const std::filesystem::path& file, const std::string& text);

/// The secret in a file, without white space at its ends. Throws Error(not_found, io, usage).
[[nodiscard]] std::string read_secret_file(const std::filesystem::path& file);

/// The secret that signs links, made if the file is not there or empty (as after a power cut while an older
/// version wrote it).
[[nodiscard]] std::string link_secret_in(const std::filesystem::path& file);

/// A folder that only its user can enter: made, or, if others could enter it, closed to them. Returns a
/// sentence if it was open to others until now. Throws Error(io).
std::optional<std::string> make_private_folder(const std::filesystem::path& folder);

/// Makes the first token of a service, for the owner "local" with the scopes submit, read and admin, and
/// keeps it in `file`, so that the same user's commands can use it. Nothing happens if the store has other
/// tokens, or if the token of the file was withdrawn. `store_is_new` says that the store was made just now: a
/// token that the file has from before is entered again. Returns what has been done, in a sentence, or
/// nothing.
std::optional<std::string> make_first_token(TokenStore& tokens, const std::filesystem::path& file,
                                            bool store_is_new);

}  // namespace tessera::service
