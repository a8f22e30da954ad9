// SPDX-License-Identifier: Apache-2.0
// Whatever a bucket, a token server, a giver of keys or a key file says is either understood or refused with
// an Error. The first byte chooses who speaks.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "adapters/bucket/listing.hpp"
#include "adapters/gcs/access_token.hpp"
#include "adapters/gcs/credentials.hpp"
#include "adapters/gcs/resumable_upload.hpp"
#include "adapters/gcs/service_account.hpp"
#include "adapters/s3/credentials_responses.hpp"
#include "base/error.hpp"

namespace {

/// Keys go into header lines.
void expect_plain(const tessera::sigv4::Credentials& keys) {
  if (keys.access_key.empty() || keys.secret_key.empty() ||
      (keys.access_key + keys.secret_key + keys.session_token).find_first_of("\r\n") != std::string::npos) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  if (size == 0) {
    return 0;
  }
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  HttpResponse response{200, {{"range", text}}, text};
  try {
    switch (data[0] % 9) {
      case 0:
        for (const ObjectInfo& object : parse_listing(text, "p/").objects) {
          if (object.size_bytes < 0) {
            std::abort();
          }
        }
        break;
      case 1:
        static_cast<void>(error_message(text));
        break;
      case 2:
        if (gcs::parse_token(response, "It", TimePoint()).value.find('\n') != std::string::npos) {
          std::abort();
        }
        break;
      case 3:
        static_cast<void>(gcs::parse_signed_blob(response, "me"));
        break;
      case 4:
        if (gcs::bytes_taken(response) < 0) {
          std::abort();
        }
        break;
      case 5:
        expect_plain(s3::parse_role_credentials(response, "It").value);
        break;
      case 6:
        expect_plain(s3::parse_web_identity_credentials(response, "It").value);
        break;
      case 7:
        if (const auto keys = s3::parse_profile(text, "default")) {
          expect_plain(*keys);
        }
        break;
      default:
        static_cast<void>(gcs::parse_service_account(text));
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) {
      std::abort();
    }
  }
  return 0;
}
