// SPDX-License-Identifier: Apache-2.0
// Sends a large file in parts, several at a time, and goes on where an earlier attempt broke off.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>

#include "client/client.hpp"
#include "client/upload_record.hpp"

namespace tessera {

class PartSender {
 public:
  /// All must outlive it. `http` sends the parts, `client` talks to the server.
  PartSender(Client& client, HttpClient& http, const std::filesystem::path& file,
             const std::function<void(double fraction)>& progress)
      : client_(client), http_(http), file_(file), progress_(progress) {}

  /// Takes the links that came with a new upload.
  void take_links(const Json& links);
  /// Looks up what has arrived. False if the server does not know the upload any more.
  bool resume(const BegunUpload& upload, const std::stop_token& stop);
  /// Sends what has not arrived, and lets the server put the object together. Throws what Client throws, and
  /// Error(io) if the file changes meanwhile.
  void send(const BegunUpload& upload, const std::stop_token& stop);

 private:
  void send_parts(const std::stop_token& stop);
  void send_part(int number, const std::stop_token& stop);
  /// With links_mutex_ locked.
  void keep_links(const Json& links);
  [[nodiscard]] std::string link_of(int number, bool anew, const std::stop_token& stop);
  [[nodiscard]] std::int64_t bytes_of(int number) const;
  void tell_progress();

  Client& client_;
  HttpClient& http_;
  const std::filesystem::path& file_;
  const std::function<void(double fraction)>& progress_;
  BegunUpload upload_;
  std::mutex links_mutex_;
  std::map<int, std::string> links_;
  std::mutex mutex_;       ///< guards all below
  std::set<int> waiting_;  ///< parts that nobody sends yet
  std::int64_t arrived_bytes_ = 0;
  std::map<int, std::int64_t> sent_bytes_;  ///< of parts on their way
};

}  // namespace tessera
