// SPDX-License-Identifier: Apache-2.0
// A second host for ranks, which is played by a mount namespace in which a folder of this host is empty.
#pragma once

#include <filesystem>

namespace tessera::testing {

/// While it lives, mpirun starts what a host file puts on "elsewhere" there, for this process and those that it starts.
class OtherHost {
 public:
  /// Writes its files into `folder`; `hidden` is what is empty there.
  OtherHost(const std::filesystem::path& folder, const std::filesystem::path& hidden);
  ~OtherHost();
  OtherHost(const OtherHost&) = delete;
  OtherHost& operator=(const OtherHost&) = delete;

  /// Whether this machine lets this user make namespaces.
  [[nodiscard]] bool available() const { return available_; }
  /// One slot on this host and one on the other.
  [[nodiscard]] std::filesystem::path hostfile() const { return folder_ / "hosts"; }

 private:
  std::filesystem::path folder_;
  bool available_ = false;
};

/// Reason for a test that is skipped.
inline constexpr const char* no_namespaces =
    "This machine lets this user make neither mount namespaces nor user namespaces.";

}  // namespace tessera::testing
