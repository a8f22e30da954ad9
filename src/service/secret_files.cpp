// SPDX-License-Identifier: Apache-2.0
#include "service/secret_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "ports/bytes_io.hpp"
#include "service/access.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

constexpr mode_t private_file = 0600;
constexpr mode_t private_folder = 0700;
constexpr mode_t others = 0077;

[[noreturn]] void fail(const char* doing, const fs::path& path) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", doing, path.string(), std::strerror(errno)));
}

class OpenedFile {
 public:
  OpenedFile(const fs::path& path, int flags)
      : path_(path), descriptor_(::open(path.c_str(), flags | O_CLOEXEC, private_file)) {
    if (descriptor_ < 0) {
      fail("open", path);
    }
  }
  ~OpenedFile() { ::close(descriptor_); }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  void write(const std::string& text) const {
    if (!write_all(descriptor_, std::as_bytes(std::span(text)))) {
      fail("write", path_);
    }
  }
  void sync() const {
    if (::fsync(descriptor_) != 0) {
      fail("write", path_);
    }
  }

 private:
  fs::path path_;
  int descriptor_;
};

/// Syncs the folder of a file.
void sync_folder(const fs::path& file) {
  OpenedFile(fs::absolute(file).parent_path(), O_RDONLY | O_DIRECTORY).sync();
}

void rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    fail("make", to);
  }
  sync_folder(to);
}

Token local_token(const std::string& secret) {
  return {token_hash(secret),
          "local",
          static_cast<int>(Scope::submit) | static_cast<int>(Scope::read) | static_cast<int>(Scope::admin),
          system_now(),
          {}};
}

}  // namespace

void write_secret_file(const fs::path& file, const std::string& text) {
  const fs::path incoming = file.string() + ".incoming";
  ::unlink(incoming.c_str());
  {
    const OpenedFile written(incoming, O_WRONLY | O_CREAT | O_EXCL);
    written.write(text);
    written.sync();
  }
  rename_durably(incoming, file);
}

std::string read_secret_file(const fs::path& file) {
  return std::string(trim(read_small_file(file), " \t\r\n"));
}

std::string link_secret_in(const fs::path& file) {
  if (fs::exists(file)) {
    if (std::string secret = read_secret_file(file); !secret.empty()) {
      return secret;
    }
  }
  std::string secret = random_hex(32);
  write_secret_file(file, secret);
  return secret;
}

std::optional<std::string> make_private_folder(const fs::path& folder) {
  std::error_code failure;
  fs::create_directories(fs::absolute(folder).parent_path(), failure);
  if (::mkdir(folder.c_str(), private_folder) == 0) {
    return std::nullopt;
  }
  struct stat status {};
  if (errno != EEXIST || ::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw Error(ErrorCode::io, fmt::format("Cannot create the folder '{}': {}.", folder.string(),
                                           S_ISDIR(status.st_mode) || errno != EEXIST ? std::strerror(errno)
                                                                                      : "it is a file"));
  }
  if ((status.st_mode & others) == 0) {
    return std::nullopt;
  }
  if (::chmod(folder.c_str(), status.st_mode & 07700U) == 0) {
    return fmt::format("Other users could access the folder '{}' (mode {:o}); it is now private.",
                       folder.string(), status.st_mode & 07777U);
  }
  return fmt::format("Other users can access the folder '{}' (mode {:o}), and it cannot be made private: {}.",
                     folder.string(), status.st_mode & 07777U, std::strerror(errno));
}

std::optional<std::string> make_first_token(TokenStore& tokens, const fs::path& file, bool store_is_new) {
  // The secret is synced to disk before the store knows it, and renamed to its final name afterwards: an
  // interruption in between is repaired at the next start.
  const fs::path pending = file.string() + ".new";
  if (!fs::exists(pending)) {
    if (fs::exists(file)) {
      if (!store_is_new) {
        return std::nullopt;
      }
      tokens.put(local_token(read_secret_file(file)));
      return fmt::format("The state store is new; the token in '{}' was added to it.", file.string());
    }
    if (!tokens.list().empty()) {
      return std::nullopt;
    }
    write_secret_file(pending, new_token() + "\n");
  }
  tokens.put(local_token(read_secret_file(pending)));
  rename_durably(pending, file);
  return fmt::format("The first token was created in '{}', where this user's commands find it.",
                     file.string());
}

}  // namespace tessera::service
