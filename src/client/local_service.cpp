// SPDX-License-Identifier: Apache-2.0
#include "client/local_service.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "client/user_folders.hpp"
#include "net/redact.hpp"
#include "ports/bytes_io.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr mode_t private_file = 0600;

std::optional<fs::path> notes_folder() { return state_folder("services"); }

std::string note_name(const std::string& address, const std::string& port) { return address + ":" + port; }

/// Names of the notes of services that are reachable at `authority` ("127.0.0.1:8080", "localhost",
/// "[::1]:8080").
std::vector<std::string> note_names(const std::string& authority, bool tls) {
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  std::string host = authority.substr(0, has_port ? colon : std::string::npos);
  const std::string port = has_port ? authority.substr(colon + 1) : tls ? "443" : "80";
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  std::vector<std::string> addresses;
  if (host == "localhost") {
    addresses = {"127.0.0.1", "::1"};
  } else if (host == "::1" || host.starts_with("127.")) {
    addresses = {host};
  } else {
    return {};  // another machine, or a name that may change its meaning
  }
  addresses.emplace_back("0.0.0.0");
  addresses.emplace_back("::");
  for (std::string& address : addresses) {
    address = note_name(address, port);
  }
  return addresses;
}

/// Clients hold their shared locks only briefly; a longer lock is that of another service.
bool lock_exclusively(int descriptor) {
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The content of a note, if its service is running.
std::optional<std::string> read_note(const fs::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    return std::nullopt;
  }
  struct stat status {};
  const bool own = ::fstat(descriptor, &status) == 0 && status.st_uid == ::geteuid();
  // A shared lock fails while the service holds its exclusive one.
  const bool runs = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  std::string text(4096, '\0');
  const ssize_t count = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
  return own && runs ? std::optional(std::string(trim(text, "\n"))) : std::nullopt;
}

}  // namespace

LocalServiceNote::LocalServiceNote(const std::string& address, int port, const fs::path& token_file) {
  const auto folder = notes_folder();
  if (!folder) {
    throw Error(ErrorCode::io, "There is no home folder for the note.");
  }
  std::error_code failure;
  fs::create_directories(*folder, failure);
  file_ = *folder / note_name(address, std::to_string(port));
  const std::string text = fs::absolute(token_file).string() + "\n";
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, private_file);
  if (descriptor_ < 0 || !lock_exclusively(descriptor_) || ::ftruncate(descriptor_, 0) != 0 ||
      !write_all(descriptor_, std::as_bytes(std::span(text)))) {
    const int reason = errno;
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
    throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {}.", file_.string(), std::strerror(reason)));
  }
}

LocalServiceNote::~LocalServiceNote() {
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

std::optional<std::string> local_service_token(const std::string& server_url) {
  const auto folder = notes_folder();
  if (!folder) {
    return std::nullopt;
  }
  for (const std::string& name : note_names(authority_of_url(server_url), server_url.starts_with("https:"))) {
    const auto token_file = read_note(*folder / name);
    if (!token_file) {
      continue;
    }
    try {
      return std::string(trim(read_small_file(*token_file), " \t\r\n"));
    } catch (const Error&) {
      return std::nullopt;  // the file was removed; the server will report the missing token
    }
  }
  return std::nullopt;
}

}  // namespace tessera
