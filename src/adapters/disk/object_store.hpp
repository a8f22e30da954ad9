// Objects as files of a local folder.
#pragma once

#include <filesystem>
#include <memory>

#include "net/signed_link.hpp"
#include "ports/object_store.hpp"

namespace tessera {

/// `folder` is made if it is not there. In it, `objects` holds the bytes, `types` the content types, and
/// `incoming` what is being written; what lay there for a day when the store is opened was left by a crash
/// and is removed. An object is written beside, brought to the disk, and renamed to its place, so it is there
/// whole or not at all. Of two that write one name at once, the bytes are those of one; the content type may
/// be that of the other. Parts of a name between slashes may have at most 200 bytes here.
/// Without a signer, signing throws Error(usage). Throws Error(io).
[[nodiscard]] std::unique_ptr<ObjectStore> open_disk_object_store(const std::filesystem::path& folder,
                                                                  std::optional<LinkSigner> signer,
                                                                  Clock now = system_now);

/// The folder of `file:///var/lib/tessera/objects`; the path stands there as it is, without escapes. Throws
/// Error(usage) for anything else.
[[nodiscard]] std::filesystem::path folder_of_url(std::string_view url);

}  // namespace tessera
