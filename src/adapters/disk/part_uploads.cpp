// SPDX-License-Identifier: Apache-2.0
#include "adapters/disk/part_uploads.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "adapters/disk/store_file.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"

namespace tessera::disk {
namespace {

namespace fs = std::filesystem;

constexpr const char* upload_file = "upload.json";

bool is_upload_id(const std::string& upload) {
  return upload.starts_with("upload_") &&
         std::ranges::all_of(upload, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

/// Files one after the other.
class JoinedFiles final : public ByteSource {
 public:
  JoinedFiles(std::vector<fs::path> files, std::int64_t size) : files_(std::move(files)), size_(size) {}
  std::size_t read(std::span<std::byte> out) override {
    while (at_ < files_.size() && !out.empty()) {
      if (!open_) {
        open_ = open_file_source(files_[at_]);
      }
      if (const std::size_t count = open_->read(out)) {
        return count;
      }
      open_.reset();
      ++at_;
    }
    return 0;
  }
  std::optional<std::int64_t> size() const override { return size_; }

 private:
  std::vector<fs::path> files_;
  std::int64_t size_;
  std::size_t at_ = 0;
  std::unique_ptr<ByteSource> open_;
};

std::string part_name(int number) { return fmt::format("{:05}", number); }

std::optional<ObjectPart> find_part(const fs::path& file) {
  const std::string name = file.filename().string();
  ObjectPart part;
  if (std::from_chars(name.data(), name.data() + name.size(), part.number).ptr != name.data() + name.size()) {
    return std::nullopt;
  }
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    return std::nullopt;
  }
  part.size_bytes = status.st_size;
  part.etag = tag_of(status);
  return part;
}

}  // namespace

void fail_without_secret() {
  throw Error(ErrorCode::usage, "This store was opened without a secret, so it cannot sign links.");
}

std::string DiskPartUploads::begin_upload(const std::string& name, const std::string& content_type) {
  check_object_name(name);
  std::string upload = new_id("upload", now_());
  IncomingFile file(folders_.incoming);
  const std::string text =
      Json{{"name", name}, {"content_type", content_type}, {"begun", to_iso8601(now_())}}.dump();
  file.file().write(std::as_bytes(std::span(text)));
  file.move_to(folders_.uploads, fs::path(upload) / upload_file);
  return upload;
}

std::optional<DiskPartUploads::Begun> DiskPartUploads::find(const std::string& upload) const {
  if (!is_upload_id(upload)) {
    return std::nullopt;
  }
  try {
    const Json json = Json::parse(read_small_file(folders_.uploads / upload / upload_file), nullptr, false);
    if (!json.is_object()) {
      return std::nullopt;
    }
    return Begun{json.value("name", ""), json.value("content_type", ""),
                 time_from_iso8601(json.value("begun", ""))};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::usage) {
      return std::nullopt;
    }
    throw;
  }
}

DiskPartUploads::Begun DiskPartUploads::require(const std::string& name, const std::string& upload) const {
  check_object_name(name);
  auto begun = find(upload);
  if (!begun || begun->name != name) {
    throw_no_upload(name, upload);
  }
  return *std::move(begun);
}

ObjectPart DiskPartUploads::put_part(const std::string& name, const std::string& upload, int number,
                                     ByteSource& body) {
  check_part(upload, number);
  static_cast<void>(require(name, upload));
  IncomingFile file(folders_.incoming);
  check_whole_body(name, body, file.file().write(body));
  // If the upload has ended meanwhile, its folder is made anew with this part alone; abort_uploads() removes it.
  file.move_to(folders_.uploads, fs::path(upload) / part_name(number));
  const auto part = find_part(folders_.uploads / upload / part_name(number));
  if (!part) {
    throw_no_upload(name, upload);
  }
  return *part;
}

Link DiskPartUploads::sign_part(const std::string& name, const std::string& upload, int number,
                                std::int64_t size_bytes, std::chrono::seconds lifetime) {
  check_part(upload, number);
  if (signer_ == nullptr) {
    fail_without_secret();
  }
  LinkOptions options;
  options.lifetime = lifetime;
  return signer_->sign_part(name, {number, size_bytes, upload}, options, now_());
}

std::vector<ObjectPart> DiskPartUploads::list_parts(const std::string& name, const std::string& upload) {
  static_cast<void>(require(name, upload));
  std::vector<ObjectPart> parts;
  std::error_code failure;
  for (fs::directory_iterator entry(folders_.uploads / upload, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (const auto part = find_part(entry->path())) {
      parts.push_back(*part);
    }
  }
  if (failure) {
    throw_no_upload(name, upload);
  }
  std::ranges::sort(parts, {}, &ObjectPart::number);
  return parts;
}

ObjectInfo DiskPartUploads::complete_upload(const std::string& name, const std::string& upload,
                                            const std::vector<ObjectPart>& parts) {
  check_object_name(name);
  const auto begun = find(upload);
  if (!begun || begun->name != name) {
    // Completed by an earlier call whose answer was lost?
    if (const auto made = is_upload_id(upload) ? store_.stat(name) : std::nullopt) {
      return *made;
    }
    throw_no_upload(name, upload);
  }
  std::vector<fs::path> files;
  std::int64_t size = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const fs::path file = folders_.uploads / upload / part_name(parts[i].number);
    const auto stored = find_part(file);
    if (!stored || stored->etag != parts[i].etag || (i > 0 && parts[i - 1].number >= parts[i].number)) {
      throw Error(ErrorCode::usage, fmt::format("Part {} of '{}' is missing or has changed: send it again.",
                                                parts[i].number, name));
    }
    if (i + 1 < parts.size() && stored->size_bytes < min_part_bytes) {
      throw Error(ErrorCode::usage,
                  fmt::format("Part {} of '{}' has {} bytes; all but the last need at least {}.",
                              parts[i].number, name, stored->size_bytes, min_part_bytes));
    }
    files.push_back(file);
    size += stored->size_bytes;
  }
  JoinedFiles body(std::move(files), size);
  ObjectInfo made = store_.put(name, body, begun->content_type);
  remove(upload);
  return made;
}

void DiskPartUploads::abort_upload(const std::string& name, const std::string& upload) {
  const auto begun = find(upload);
  if (begun && begun->name == name) {
    remove(upload);
  }
}

int DiskPartUploads::abort_uploads(const std::string& prefix, TimePoint begun_before) {
  int aborted = 0;
  std::vector<std::string> uploads;
  std::error_code failure;
  for (fs::directory_iterator entry(folders_.uploads, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    uploads.push_back(entry->path().filename().string());
  }
  for (const std::string& upload : uploads) {
    const auto begun = find(upload);
    if (begun && begun->name.starts_with(prefix) && begun->time < begun_before) {
      remove(upload);
      ++aborted;
    } else if (!begun && is_upload_id(upload)) {
      remove(upload);  // a part that came after the end
    }
  }
  return aborted;
}

void DiskPartUploads::remove(const std::string& upload) const {
  std::error_code failure;
  // The description goes last, so that what is left after a crash is found again.
  const fs::path folder = folders_.uploads / upload;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (std::error_code kept; entry->path().filename() != upload_file) {
      fs::remove(entry->path(), kept);
    }
  }
  fs::remove_all(folder, failure);
}

}  // namespace tessera::disk
