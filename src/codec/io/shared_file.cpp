// SPDX-License-Identifier: Apache-2.0
#include "codec/io/shared_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "codec/io/temporary_names.hpp"

namespace tessera {
namespace {

/// Between the fields of an invitation; no path has it.
constexpr char separator = '\0';
enum Field : std::size_t { field_token, field_offset, field_by_name, field_path, field_result, field_count };

std::vector<std::string_view> split_fields(std::string_view text) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    fields.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return fields;
}

bool has_token(int descriptor, std::int64_t offset, std::string_view token) {
  std::array<char, 64> found{};
  const std::size_t size = token.size();
  struct stat status {};
  return size <= found.size() && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
         pread(descriptor, found.data(), size, offset) == static_cast<ssize_t>(size) &&
         std::string_view(found.data(), size) == token;
}

}  // namespace

std::string SharedFile::invite(bool by_name) {
  std::string path = fmt::format("/proc/{}/fd/{}", getpid(), file_->descriptor());
  if (by_name) {
    path = file_->expose().string();
    if (path.empty()) {
      return {};
    }
  }
  const std::string token = random_token();
  if (!pwrite_all(file_->descriptor(), file_->size(), std::as_bytes(std::span(token))) ||
      (by_name && fsync(file_->descriptor()) != 0)) {
    return {};
  }
  return fmt::format("{1}{0}{2}{0}{3}{0}{4}{0}{5}", separator, token, file_->size(), by_name ? "name" : "",
                     path, file_->name());
}

bool SharedFile::join(const std::string& invitation) {
  const std::vector<std::string_view> fields = split_fields(invitation);
  std::int64_t offset = 0;
  if (fields.size() != field_count ||
      std::from_chars(fields[field_offset].begin(), fields[field_offset].end(), offset).ec != std::errc()) {
    return false;
  }
  by_name_ = !fields[field_by_name].empty();
  name_ = fields[field_result];
  const std::string path(fields[field_path]);
  // Something else may have the name on this machine; opening it must neither wait nor follow links.
  joined_.reset(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (by_name_ ? O_NOFOLLOW : 0)));
  if (joined_ && !has_token(joined_.get(), offset, fields[field_token])) {
    joined_.reset();
  }
  return static_cast<bool>(joined_);
}

void SharedFile::end_invitation() {
  if (ftruncate(file_->descriptor(), file_->size()) != 0) {
    name_ = file_->name();
    fail();
  }
}

void SharedFile::write_at(std::int64_t offset, const EncodedPiece& piece) {
  if (!pwrite_all(joined_.get(), offset, piece.body)) {
    fail();
  }
}

void SharedFile::flush() {
  // On a network file system what was written may only be on this machine, and lack of space shows now.
  if (by_name_ && joined_ && fsync(joined_.get()) != 0) {
    fail();
  }
}

void SharedFile::fail() const {
  const std::string reason = std::generic_category().message(errno);
  throw Error(ErrorCode::io, fmt::format("Cannot write '{}': writing failed ({}).", name_, reason), name_);
}

}  // namespace tessera
