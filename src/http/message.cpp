// SPDX-License-Identifier: Apache-2.0
#include "http/message.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/error.hpp"

namespace tessera::http {
namespace {

class FileReader final : public ByteSource {
 public:
  explicit FileReader(std::shared_ptr<const OpenFile> file) : file_(std::move(file)), size_(file_->size()) {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = file_->read_at(offset_, {reinterpret_cast<char*>(out.data()), out.size()});
    offset_ += static_cast<std::int64_t>(count);
    return count;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return size_; }

 private:
  std::shared_ptr<const OpenFile> file_;
  std::int64_t size_;
  std::int64_t offset_ = 0;
};

}  // namespace

OpenFile::OpenFile(const std::filesystem::path& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    const int reason = errno;
    throw Error(reason == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("Cannot read '{}': {}.", path.filename().string(), std::strerror(reason)));
  }
}

std::shared_ptr<OpenFile> OpenFile::temporary(const std::filesystem::path& folder) {
  std::string name = (folder / "tessera-body-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ErrorCode::io, fmt::format("Cannot create a temporary file in '{}': {}.", folder.string(),
                                           std::strerror(errno)));
  }
  ::unlink(name.c_str());
  return std::shared_ptr<OpenFile>(new OpenFile(descriptor));
}

OpenFile::~OpenFile() { ::close(descriptor_); }

std::int64_t OpenFile::size() const {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) {
    throw Error(ErrorCode::io, fmt::format("Cannot determine the size of a file: {}.", std::strerror(errno)));
  }
  return status.st_size;
}

std::size_t OpenFile::read_at(std::int64_t offset, std::span<char> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count =
        ::pread(descriptor_, out.data() + done, out.size() - done, offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno != EINTR) {
      throw Error(ErrorCode::io, fmt::format("Cannot read a file: {}.", std::strerror(errno)));
    }
    if (count == 0) {
      break;
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
  }
  return done;
}

void OpenFile::append(std::string_view bytes) {
  if (!write_all(descriptor_, std::as_bytes(std::span(bytes)))) {
    throw Error(ErrorCode::io, fmt::format("Cannot write a temporary file: {}.", std::strerror(errno)));
  }
}

const std::string& Body::text() const {
  if (file_) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The request's body has {} bytes, which is too long.", size()));
  }
  return text_;
}

std::string Body::read_all(std::int64_t max_bytes) const {
  if (size() > max_bytes) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The request's body has {} bytes; the limit is {}.", size(), max_bytes));
  }
  if (!file_) {
    return text_;
  }
  std::string all(static_cast<std::size_t>(size()), '\0');
  all.resize(file_->read_at(0, all));
  return all;
}

std::unique_ptr<ByteSource> Body::open() const {
  return file_ ? std::make_unique<FileReader>(file_) : memory_source(text_);
}

void Body::append(std::string_view bytes, std::int64_t max_memory_bytes,
                  const std::filesystem::path& folder) {
  if (!file_ && static_cast<std::int64_t>(text_.size() + bytes.size()) > max_memory_bytes) {
    file_ = OpenFile::temporary(folder);
    file_->append(text_);
    text_ = {};
  }
  if (file_) {
    file_->append(bytes);
  } else {
    text_ += bytes;
  }
}

void Request::check_cancelled() const {
  if (cancellation->client_gone) {
    throw Error(ErrorCode::cancelled, "The client has disconnected.");
  }
  if (std::chrono::steady_clock::now() > cancellation->deadline) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The request was processed for {} s, which is the limit: split it into smaller "
                            "ones.",
                            cancellation->time_limit.count() / 1000));
  }
}

std::string Request::header(std::string_view name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& field) { return equal_ignoring_case(field.first, name); });
  return found == headers.end() ? std::string() : found->second;
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

const std::string& Request::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
  if (found == parameters.end()) {
    throw std::logic_error(fmt::format("The route has no parameter '{}'.", name));
  }
  return found->second;
}

Response json_response(int status, const Json& json) {
  return text_response(status, json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n',
                       "application/json");
}

Response text_response(int status, std::string text, std::string content_type) {
  return Response{status, {{"Content-Type", std::move(content_type)}}, std::move(text)};
}

Response redirect_response(int status, std::string location) {
  return Response{status, {{"Location", std::move(location)}, {"Cache-Control", "no-store"}}, std::string()};
}

}  // namespace tessera::http
