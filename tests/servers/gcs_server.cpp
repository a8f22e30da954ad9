// SPDX-License-Identifier: Apache-2.0
#include "servers/gcs_server.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "servers/raw_http.hpp"

namespace tessera::testing {

using Json = nlohmann::json;

const std::string& rsa_private_key() {
  static const std::string pem = [] {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    if (!key ||
        PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
      throw std::runtime_error("OpenSSL makes no RSA key.");
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  }();
  return pem;
}

GcsServer::GcsServer(GcsAccess access) {
  std::ofstream(folder_.path() / "key.pem") << rsa_private_key();
  std::ofstream(key_file()) << Json{{"type", "service_account"}, {"project_id", "project"},
                                    {"private_key_id", "key-1"}, {"private_key", rsa_private_key()},
                                    {"client_email", email},     {"token_uri", endpoint() + "/token"}};
  std::ofstream(folder_.path() / "config.json") << Json{{"port", port_},
                                                        {"bucket", "pictures"},
                                                        {"email", email},
                                                        {"key_id", "key-1"},
                                                        {"private_key", folder_.path() / "key.pem"},
                                                        {"access_id", access_id},
                                                        {"secret", secret}};
  for (const char* name : {"GOOGLE_APPLICATION_CREDENTIALS", "GCS_HMAC_ACCESS_ID", "GCS_HMAC_SECRET"}) {
    unsetenv(name);
  }
  setenv("GCE_METADATA_HOST", ("127.0.0.1:" + std::to_string(port_)).c_str(), 1);
  if (access == GcsAccess::key_file) {
    setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file().c_str(), 1);
  } else if (access == GcsAccess::hmac) {
    setenv("GCS_HMAC_ACCESS_ID", access_id, 1);
    setenv("GCS_HMAC_SECRET", secret, 1);
  }
  process_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"python3", TESSERA_STRICT_GCS, folder_.path() / "config.json"},
      ServerProcess::Environment{}, folder_.path() / "log");
  process_->wait_until_ready(port_);
}

void GcsServer::fail(std::string_view faults) const {
  if (ask(port_, "POST", "/faults", {}, faults).status != 204) {
    throw std::runtime_error("strict_gcs.py does not take " + std::string(faults));
  }
}

void GcsServer::expire_tokens() const { ask(port_, "POST", "/expire"); }

int GcsServer::count(std::string_view kind, int status) const {
  int found = 0;
  for (const Json& entry : Json::parse(log())) {
    found += entry["on"] == kind && (status == 0 || entry["status"] == status) ? 1 : 0;
  }
  return found;
}

std::string GcsServer::log() const { return ask(port_, "GET", "/log").body; }

}  // namespace tessera::testing
