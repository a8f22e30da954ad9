// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/tls_channel.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/redis/connection.hpp"
#include "base/error.hpp"

namespace tessera::redis {
namespace {

constexpr std::size_t buffer_bytes = 16 << 10;  // a TLS record

}  // namespace

struct TlsChannel::State {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
  std::array<char, buffer_bytes> buffer{};

  /// Throws Broken with the reason of the last failure.
  [[noreturn]] void fail(int result) const {
    const int reason = SSL_get_error(ssl.get(), result);
    if (const long verified = SSL_get_verify_result(ssl.get()); verified != X509_V_OK) {
      throw Broken(fmt::format("its certificate is rejected: {}", X509_verify_cert_error_string(verified)));
    }
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
      throw Broken("it timed out");
    }
    if (reason == SSL_ERROR_ZERO_RETURN) {
      throw Broken("it closed the connection");
    }
    if (const unsigned long code = ERR_get_error(); code != 0) {
      const char* const text = ERR_reason_error_string(code);
      throw Broken(fmt::format("TLS: {}", text == nullptr ? "unknown error" : text));
    }
    throw Broken(errno == 0 ? "it closed the connection" : std::strerror(errno));
  }
};

TlsChannel::TlsChannel(int socket, const std::string& host, const std::string& ca_file)
    : state_(std::make_unique<State>()) {
  SSL_CTX* const context = state_->context.get();
  if (context == nullptr) {
    throw Error(ErrorCode::internal, "OpenSSL cannot create a TLS context.");
  }
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // Session tickets and key updates carry no data: continue reading instead of returning.
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' contains no certificates (PEM) for verifying Redis at {}.", ca_file, host));
  }
  state_->ssl.reset(SSL_new(context));
  SSL* const ssl = state_->ssl.get();
  if (ssl == nullptr || SSL_set_fd(ssl, socket) != 1) {
    throw Error(ErrorCode::internal, "OpenSSL cannot create a TLS connection.");
  }
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  if (!is_address &&
      (SSL_set1_host(ssl, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, host.c_str()) != 1)) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is not a host name.", host));
  }
  ERR_clear_error();
  if (const int result = SSL_connect(ssl); result != 1) {
    state_->fail(result);
  }
}

TlsChannel::~TlsChannel() = default;

void TlsChannel::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  // Partial writes are disabled by default: everything is written or the call fails.
  if (const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &written); result != 1) {
    state_->fail(result);
  }
}

std::string_view TlsChannel::read() {
  ERR_clear_error();
  std::size_t count = 0;
  if (const int result = SSL_read_ex(state_->ssl.get(), state_->buffer.data(), state_->buffer.size(), &count);
      result != 1) {
    state_->fail(result);
  }
  return {state_->buffer.data(), count};
}

}  // namespace tessera::redis
