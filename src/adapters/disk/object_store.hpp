// SPDX-License-Identifier: Apache-2.0
// Objects as files of a local folder.
#pragma once

#include <filesystem>
#include <memory>

#include "net/signed_link.hpp"
#include "ports/object_store.hpp"

namespace tessera {

/// `folder` is created if it does not exist. In it, `objects` holds the contents, `types` the content types,
/// and `incoming` the files being written; what is older than a day there when the store is opened was left
/// by a crash and is removed. An object is written to a temporary file, synced, and renamed, so writes are
/// atomic. If two writers use one name at once, one of the contents wins; the content type may be the
/// other's. Parts of a name between slashes may have at most 200 bytes here. Without a signer, signing throws
/// Error(usage). Throws Error(io).
[[nodiscard]] std::unique_ptr<ObjectStore> open_disk_object_store(const std::filesystem::path& folder,
                                                                  std::optional<LinkSigner> signer,
                                                                  Clock now = system_now);

/// The folder of `file:///var/lib/tessera/objects`; the path is taken literally, without escapes. Throws
/// Error(usage) for any other URL.
[[nodiscard]] std::filesystem::path folder_of_url(std::string_view url);

}  // namespace tessera
