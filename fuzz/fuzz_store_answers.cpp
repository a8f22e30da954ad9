// Whatever a bucket, a token server or a key file says is either understood or refused with an Error. The
// first byte chooses who speaks.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "adapters/bucket/listing.hpp"
#include "adapters/gcs/access_token.hpp"
#include "adapters/gcs/credentials.hpp"
#include "adapters/gcs/resumable_upload.hpp"
#include "adapters/gcs/service_account.hpp"
#include "core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tessera;
  if (size == 0) {
    return 0;
  }
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  HttpResponse response{200, {{"range", text}}, text};
  try {
    switch (data[0] % 6) {
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
