// SPDX-License-Identifier: Apache-2.0
#include "client/upload_record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "client/user_folders.hpp"
#include "net/crypto.hpp"
#include "ports/bytes_io.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

}  // namespace

UploadRecord::UploadRecord(const std::string& server, const fs::path& file) {
  std::error_code failure;
  const auto folder = state_folder("uploads");
  const fs::path whole = fs::canonical(file, failure);
  struct stat status {};
  if (!folder || failure || ::stat(whole.c_str(), &status) != 0) {
    return;
  }
  fs::create_directories(*folder, failure);
  const std::string identity = fmt::format("{}\n{}\n{}\n{}.{:09}", server, whole.string(), status.st_size,
                                           status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  path_ = *folder / (to_hex(sha256(identity)).substr(0, 32) + ".json");
  lock_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_ || ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    path_.clear();
  }
}

std::optional<BegunUpload> UploadRecord::find() const {
  if (path_.empty()) {
    return std::nullopt;
  }
  try {
    const Json json = Json::parse(read_small_file(path_));
    return BegunUpload{json.at("object"), json.at("upload"), json.at("size_bytes"), json.at("part_bytes"),
                       json.at("count")};
  } catch (const std::exception&) {
    return std::nullopt;  // empty, or of another version: begun anew
  }
}

void UploadRecord::write(const BegunUpload& upload) const {
  if (path_.empty()) {
    return;
  }
  const std::string text = Json{
      {"object", upload.object},
      {"upload", upload.upload},
      {"size_bytes", upload.size_bytes},
      {"part_bytes", upload.part_bytes},
      {"count", upload.count}}.dump();
  // A record that is not whole is none.
  static_cast<void>(::ftruncate(lock_.get(), 0) == 0 &&
                    pwrite_all(lock_.get(), 0, std::as_bytes(std::span(text))));
}

void UploadRecord::remove() const {
  if (!path_.empty()) {
    ::unlink(path_.c_str());
  }
}

}  // namespace tessera
