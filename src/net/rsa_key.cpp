// SPDX-License-Identifier: Apache-2.0
#include "net/rsa_key.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/error.hpp"

namespace tessera {

struct RsaKey::Key {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> pkey;
};

RsaKey RsaKey::from_pem(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  // Without this OpenSSL would ask the terminal for a password.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  auto key = std::make_shared<Key>(
      Key{{bytes ? PEM_read_bio_PrivateKey(bytes.get(), nullptr, no_password, nullptr) : nullptr,
           &EVP_PKEY_free}});
  if (!key->pkey) {
    throw Error(ErrorCode::usage, "It is not an unencrypted private key in PEM.");
  }
  if (EVP_PKEY_get_base_id(key->pkey.get()) != EVP_PKEY_RSA) {
    throw Error(ErrorCode::usage, "It is a private key, but not an RSA key.");
  }
  return RsaKey(std::move(key));
}

std::string RsaKey::sign_sha256(std::string_view bytes) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t size = 0;
  std::string signature;
  if (context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, data, bytes.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                       bytes.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  throw Error(ErrorCode::internal, "OpenSSL could not sign with an RSA key.");
}

}  // namespace tessera
