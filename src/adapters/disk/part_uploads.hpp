// SPDX-License-Identifier: Apache-2.0
// Uploads in parts to a local object store. Private to the adapter.
#pragma once

#include <filesystem>

#include "net/signed_link.hpp"
#include "ports/part_uploads.hpp"

namespace tessera::disk {

/// Where parts lie until the upload is completed.
struct PartFolders {
  std::filesystem::path uploads;   ///< a folder for each upload, with a file for each part
  std::filesystem::path incoming;  ///< files that are being written, on the same file system
};

class DiskPartUploads final : public PartUploads {
 public:
  /// Objects are made in `store`. Without a `signer` no links can be signed. All must outlive it.
  DiskPartUploads(PartFolders folders, ObjectStore& store, const LinkSigner* signer, Clock now)
      : folders_(std::move(folders)), store_(store), signer_(signer), now_(std::move(now)) {}

  std::string begin_upload(const std::string& name, const std::string& content_type) override;
  ObjectPart put_part(const std::string& name, const std::string& upload, int number,
                      ByteSource& body) override;
  Link sign_part(const std::string& name, const std::string& upload, int number, std::int64_t size_bytes,
                 std::chrono::seconds lifetime) override;
  std::vector<ObjectPart> list_parts(const std::string& name, const std::string& upload) override;
  ObjectInfo complete_upload(const std::string& name, const std::string& upload,
                             const std::vector<ObjectPart>& parts) override;
  void abort_upload(const std::string& name, const std::string& upload) override;
  int abort_uploads(const std::string& prefix, TimePoint begun_before) override;

 private:
  struct Begun {
    std::string name;
    std::string content_type;
    TimePoint time{};
  };
  /// What is known of an upload; nothing if there is none.
  [[nodiscard]] std::optional<Begun> find(const std::string& upload) const;
  /// Throws Error(not_found) unless the upload exists and is one of `name`.
  [[nodiscard]] Begun require(const std::string& name, const std::string& upload) const;
  void remove(const std::string& upload) const;

  PartFolders folders_;
  ObjectStore& store_;
  const LinkSigner* signer_;
  Clock now_;
};

/// Throws Error(usage): a store without a secret cannot sign links.
[[noreturn]] void fail_without_secret();

}  // namespace tessera::disk
