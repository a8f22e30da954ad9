// Links to objects of a local folder: who has one may read, or write, that object until it expires. The
// gateway serves them.
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

  /// `method` is GET or PUT. Throws Error(usage) for a name that cannot be one.
  [[nodiscard]] Link sign(const std::string& method, const std::string& name, const LinkOptions& options,
                          TimePoint now) const;

  /// What stands in the query of a link, decoded; what is not there is empty.
  struct Query {
    std::string expires;  ///< seconds since 1970
    std::string content_type;
    std::string file_name;
    std::string signature;
  };
  /// Throws Error(forbidden) if the link was not made here for this method and name, or has expired. A GET
  /// link also serves HEAD.
  void verify(const std::string& method, const std::string& name, const Query& query, TimePoint now) const;

  /// Names of the query's fields, in the order of Query.
  static constexpr const char* expires_field = "expires";
  static constexpr const char* content_type_field = "content-type";
  static constexpr const char* file_name_field = "file-name";
  static constexpr const char* signature_field = "signature";

 private:
  [[nodiscard]] std::string signature(const std::string& method, const std::string& name,
                                      const Query& query) const;
  std::string public_url_;
  std::string secret_;
};

}  // namespace tessera
