// SPDX-License-Identifier: Apache-2.0
// Presigned links to objects in a local folder, served by the gateway: whoever has one may read, or write,
// that object until it expires.
#pragma once

#include <optional>
#include <string>

#include "ports/object_store.hpp"

namespace tessera {

class LinkSigner {
 public:
  /// Links are `public_url`/objects/NAME?expires=...&signature=... Throws Error(usage) for a secret of fewer
  /// than 16 bytes.
  LinkSigner(std::string public_url, std::string secret);

  /// `method` is GET or PUT. Throws Error(usage) for an invalid name.
  [[nodiscard]] Link sign(const std::string& method, const std::string& name, const LinkOptions& options,
                          TimePoint now) const;

  /// A part of an upload (PartUploads).
  struct Part {
    int number = 0;
    std::int64_t size_bytes = 0;
    std::string upload;
  };
  /// A link for a PUT of the part.
  [[nodiscard]] Link sign_part(const std::string& name, const Part& part, const LinkOptions& options,
                               TimePoint now) const;

  /// The decoded query of a link; missing fields are empty.
  struct Query {
    std::string expires;  ///< seconds since 1970
    std::string content_type;
    std::string file_name;
    std::string part = {};  ///< "NUMBER.BYTES.UPLOAD" of a part of an upload
    std::string signature = {};
  };
  /// Throws Error(forbidden) if the signature does not match method and name, or the link has expired. A GET
  /// link also allows HEAD.
  void verify(const std::string& method, const std::string& name, const Query& query, TimePoint now) const;

  /// Names of the query parameters, in the order of Query.
  static constexpr const char* expires_field = "expires";
  static constexpr const char* content_type_field = "content-type";
  static constexpr const char* file_name_field = "file-name";
  static constexpr const char* part_field = "part";
  static constexpr const char* signature_field = "signature";
  /// The part that a link's query names; nothing if it is a link for a whole object. Throws Error(usage).
  [[nodiscard]] static std::optional<Part> part_of(const Query& query);

 private:
  [[nodiscard]] Link sign(const std::string& method, const std::string& name, const LinkOptions& options,
                          const std::string& part, TimePoint now) const;
  [[nodiscard]] std::string signature(const std::string& method, const std::string& name,
                                      const Query& query) const;
  std::string public_url_;
  std::string secret_;
};

}  // namespace tessera
