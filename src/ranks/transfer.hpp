// SPDX-License-Identifier: Apache-2.0
// Transfers between ranks, which have no network, and object stores: a helper process beside each rank ('tessera
// transfer-worker') reads ranges of the objects that the node has granted, and uploads the parts of results that it has
// granted, by presigned links. Bytes pass between rank and helper over sockets, the lanes. The helper sees no pixels
// and decodes nothing; a rank that a hostile image has taken over cannot make it connect to anything else, because
// grants are signed with a key that ranks forget before they take an image.
#pragma once

#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.hpp"

namespace tessera {

/// Environment variable with the key that grants are signed with: HMAC-SHA-256, in lower-case hexadecimal before
/// the grant's line, with a space in between.
inline constexpr const char* transfer_key_variable = "TESSERA_TRANSFER_KEY";
/// What the helper needs of the environment: proxies and certificate authorities. Ranks forget them too.
inline constexpr std::array transfer_variables{
    "http_proxy", "https_proxy", "HTTPS_PROXY",  "all_proxy",     "ALL_PROXY",
    "no_proxy",   "NO_PROXY",    "SSL_CERT_DIR", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};
inline constexpr std::size_t max_grant_bytes = 16 * 1024;

/// The parts of a grant as ranks get it. `line` is that of a TransferGrant or UploadGrant, without its line end.
struct SignedGrant {
  std::string_view signature;
  std::string_view line;
};
[[nodiscard]] std::string to_text(const SignedGrant& grant);
/// Parts of `text`, as long as that lives; empty ones if it is too short.
[[nodiscard]] SignedGrant split_grant(std::string_view text);

using TransferSink = std::function<void(std::span<const std::byte>)>;

/// A rank's end. Safe to use from many threads.
class TransferLanes {
 public:
  /// Starts the helper process, `program` with the argument 'transfer-worker' and this process's environment. Call
  /// it before the sandbox is entered. The process ends with this object, or with the thread that started it.
  /// Throws Error(io).
  TransferLanes(const std::string& program, int lanes);
  /// Over sockets whose other ends something else serves.
  explicit TransferLanes(std::vector<FileDescriptor> lanes);
  ~TransferLanes();
  TransferLanes(const TransferLanes&) = delete;
  TransferLanes& operator=(const TransferLanes&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(lanes_.size()); }
  /// Passes `count` bytes from `first` on of the granted object to `out`, as they arrive. Waits for a free lane.
  /// Throws the helper's Error (not_found, conflict if the object has changed, unavailable), Error(cancelled) when
  /// `stop` is requested, Error(rank_lost) if the helper has ended, and what `out` throws.
  void read(const std::string& grant, std::int64_t first, std::int64_t count, const TransferSink& out,
            const std::stop_token& stop);
  /// Uploads `bytes` by the grant, which must be for exactly that many. Returns how the store calls the content.
  /// Throws the helper's Error (unavailable), Error(cancelled) when `stop` is requested, and Error(rank_lost) if the
  /// helper has ended.
  std::string write(const std::string& grant, std::span<const std::byte> bytes, const std::stop_token& stop);

 private:
  struct Request;
  void run(const Request& request, const TransferSink& out, const std::stop_token& stop);
  void run_on(int lane, const Request& request, const TransferSink& out, const std::stop_token& stop);

  std::vector<FileDescriptor> lanes_;
  FileDescriptor control_;
  pid_t helper_ = -1;  ///< -1: none of its own
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<int> free_lanes_;  ///< guarded by mutex_: indices into lanes_
};

/// What a helper does for a rank. Functions throw Error; they are called from several threads.
class TransferHandler {
 public:
  virtual ~TransferHandler() = default;
  /// Passes a range of the granted object to `out`.
  virtual void read(const std::string& grant, std::int64_t first, std::int64_t count, const TransferSink& out,
                    const std::stop_token& stop) = 0;
  /// The `count` bytes to upload arrive with the call of `body`, so that what was not granted takes no memory.
  /// Returns how the store calls the content.
  virtual std::string write(const std::string& grant, std::int64_t count,
                            const std::function<std::vector<std::byte>()>& body,
                            const std::stop_token& stop) = 0;
};

/// The helper's end of one lane: answers requests until the rank closes it. Requests are checked for their form
/// only; the lane is closed for a malformed one.
void serve_transfers(const FileDescriptor& lane, TransferHandler& handler);

}  // namespace tessera
