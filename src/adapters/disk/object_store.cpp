// SPDX-License-Identifier: Apache-2.0
#include "adapters/disk/object_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "adapters/disk/object_files.hpp"
#include "adapters/disk/part_uploads.hpp"
#include "adapters/disk/store_file.hpp"
#include "adapters/path_url.hpp"
#include "base/error.hpp"
#include "ports/job.hpp"
#include "ports/result_names.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using disk::fail;
using disk::IncomingFile;
using disk::StoreFile;

constexpr std::size_t copy_bytes = std::size_t{256} << 10;
constexpr std::chrono::hours leftover_age{24};
constexpr std::chrono::hours leftover_interval{1};

class DiskObjectStore final : public ObjectStore {
 public:
  DiskObjectStore(fs::path folder, std::optional<LinkSigner> signer, Clock now)
      : folder_(std::move(folder)),
        signer_(std::move(signer)),
        now_(std::move(now)),
        parts_({folder_ / "parts", incoming()}, *this, signer_ ? &*signer_ : nullptr, now_) {
    for (const fs::path& part : {objects(), types(), incoming(), folder_ / "parts"}) {
      disk::make_folders(fs::absolute(part));
    }
    remove_leftovers();
  }

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    const fs::path file = checked_file(name);
    IncomingFile incoming_file(incoming());
    check_whole_body(name, body, incoming_file.file().write(body));
    // Two files would double the time spent syncing.
    if (content_type != type_by_name(name) || fs::exists(types() / file)) {
      IncomingFile type_file(incoming());
      type_file.file().write(std::as_bytes(std::span(content_type)));
      type_file.move_to(types(), file);
    }
    incoming_file.move_to(objects(), file);
    return stat(name).value_or(ObjectInfo{name, size_of(incoming_file.file()), content_type, now_()});
  }

  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    const fs::path file = checked_file(name);
    const auto opened = StoreFile::open_if_exists(objects(), file);
    if (!opened) {
      throw Error(ErrorCode::not_found, fmt::format("There is no object '{}'.", name));
    }
    const StoreFile& input = *opened;
    ObjectInfo info = describe(name, file, input);
    const std::int64_t first = range ? range->first : 0;
    const std::int64_t end =
        range && range->last ? std::min(info.size_bytes, *range->last + 1) : info.size_bytes;
    if (first < 0 || (range && (first >= info.size_bytes || end <= first))) {
      throw Error(ErrorCode::usage, fmt::format("'{}' has {} bytes; there is no range that begins at {}.",
                                                name, info.size_bytes, first));
    }
    std::vector<std::byte> buffer(copy_bytes);
    for (std::int64_t at = first; at < end;) {
      const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(copy_bytes, end - at));
      const ssize_t count = ::pread(input.get(), buffer.data(), wanted, at);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count <= 0) {
        fail("read", objects() / file, count < 0 ? errno : EIO);
      }
      out.write(std::span(buffer).first(static_cast<std::size_t>(count)));
      at += count;
    }
    return info;
  }

  std::optional<ObjectInfo> stat(const std::string& name) override {
    const fs::path file = checked_file(name);
    const auto opened = StoreFile::open_if_exists(objects(), file);
    return opened ? std::optional(describe(name, file, *opened)) : std::nullopt;
  }

  void remove(const std::string& name) override {
    const fs::path file = checked_file(name);
    for (const fs::path& part : {objects(), types()}) {
      remove_file(part, file);
    }
  }

  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override {
    if (std::chrono::steady_clock::now() > leftovers_removed_.load() + leftover_interval) {
      remove_leftovers();  // listing is used by cleanup
    }
    ObjectPage page;
    disk::visit_names(objects(), prefix, after, [&](const std::string& name, const fs::path& path) {
      if (static_cast<int>(page.objects.size()) == limit) {
        page.next = page.objects.empty() ? after : page.objects.back().name;
        return false;
      }
      struct stat status {};
      if (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
        page.objects.push_back(info_of(name, disk::file_of(name), status));
      }
      return true;
    });
    return page;
  }

  Link sign_get(const std::string& name, const LinkOptions& options) override {
    return signer().sign("GET", name, options, now_());
  }
  Link sign_put(const std::string& name, const LinkOptions& options) override {
    return signer().sign("PUT", name, options, now_());
  }

  PartUploads& part_uploads() override { return parts_; }

  std::optional<fs::path> local_file(const std::string& name) override {
    const fs::path file = checked_file(name);
    return StoreFile::open_if_exists(objects(), file) ? std::optional(objects() / file) : std::nullopt;
  }

  void check() override {
    for (const fs::path& part : {objects(), incoming()}) {
      if (::access(part.c_str(), R_OK | W_OK | X_OK) != 0) {
        throw Error(ErrorCode::unavailable,
                    fmt::format("The folder '{}' cannot be used: {}.", part.string(), std::strerror(errno)));
      }
    }
  }

 private:
  [[nodiscard]] fs::path objects() const { return folder_ / "objects"; }
  [[nodiscard]] fs::path types() const { return folder_ / "types"; }
  [[nodiscard]] fs::path incoming() const { return folder_ / "incoming"; }

  [[nodiscard]] const LinkSigner& signer() const {
    if (!signer_) {
      disk::fail_without_secret();
    }
    return *signer_;
  }

  static fs::path checked_file(const std::string& name) {
    check_object_name(name);
    return disk::file_of(name);
  }
  static std::int64_t size_of(const StoreFile& file) {
    struct stat status {};
    return ::fstat(file.get(), &status) == 0 ? status.st_size : 0;
  }

  [[nodiscard]] ObjectInfo describe(const std::string& name, const fs::path& file,
                                    const StoreFile& input) const {
    struct stat status {};
    if (::fstat(input.get(), &status) != 0) {
      fail("read the attributes of", objects() / file, errno);
    }
    return info_of(name, file, status);
  }
  [[nodiscard]] ObjectInfo info_of(const std::string& name, const fs::path& file,
                                   const struct stat& status) const {
    const auto modified =
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                          std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    return {name, status.st_size, content_type_of(name, file), TimePoint(modified), disk::tag_of(status)};
  }
  /// Content type of an object without a type file.
  static std::string type_by_name(const std::string& name) {
    const std::string extension = fs::path(name).extension().string();
    return extension.empty() ? std::string() : tessera::content_type_of(extension.substr(1));
  }
  [[nodiscard]] std::string content_type_of(const std::string& name, const fs::path& file) const {
    const auto type_file = StoreFile::open_if_exists(types(), file);
    if (!type_file) {
      return type_by_name(name);
    }
    std::string type(256, '\0');
    const ssize_t count = ::read(type_file->get(), type.data(), type.size());
    type.resize(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
    return type;
  }

  static void remove_file(const fs::path& part, const fs::path& file) {
    if (::unlink((part / file).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
      fail("remove", part / file, errno);
    }
    // Removes folders that are empty now, from the innermost outwards.
    for (fs::path above = file.parent_path(); !above.empty(); above = above.parent_path()) {
      if (::rmdir((part / above).c_str()) != 0) {
        break;
      }
    }
  }

  /// Removes files of interrupted calls.
  void remove_leftovers() {
    leftovers_removed_ = std::chrono::steady_clock::now();
    remove_incomplete_files();
    // The type file is written before the object, so a crash may leave it without one.
    const auto oldest = fs::file_time_type::clock::now() - leftover_age;
    disk::visit_names(types(), "", "", [&](const std::string& name, const fs::path& path) {
      std::error_code gone;
      if (fs::last_write_time(path, gone) < oldest && !gone && !fs::exists(objects() / disk::file_of(name))) {
        remove_file(types(), disk::file_of(name));
      }
      return true;
    });
  }

  static bool is_locked(const fs::path& file) {
    const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const bool locked = opened < 0 || ::flock(opened, LOCK_EX | LOCK_NB) != 0;
    if (opened >= 0) {
      ::close(opened);
    }
    return locked;
  }
  void remove_incomplete_files() const {
    const StoreFile folder_lock(incoming(), O_RDONLY | O_DIRECTORY, "open");
    const bool locks = ::flock(folder_lock.get(), LOCK_EX) == 0;
    std::error_code ignored;  // may be removed concurrently
    const auto oldest = fs::file_time_type::clock::now() - leftover_age;
    for (fs::directory_iterator next(incoming(), ignored), end; !ignored && next != end;
         next.increment(ignored)) {
      const std::string name = next->path().filename().string();
      std::error_code gone;
      const bool abandoned = locks && name.starts_with(disk::locked_prefix)
                                 ? !is_locked(next->path())
                                 : fs::last_write_time(next->path(), gone) < oldest;
      if (abandoned && !gone) {
        fs::remove(next->path(), gone);
      }
    }
  }

  fs::path folder_;
  std::optional<LinkSigner> signer_;
  Clock now_;
  disk::DiskPartUploads parts_;
  std::atomic<std::chrono::steady_clock::time_point> leftovers_removed_{};
};

}  // namespace

std::unique_ptr<ObjectStore> open_disk_object_store(const fs::path& folder, std::optional<LinkSigner> signer,
                                                    Clock now) {
  return std::make_unique<DiskObjectStore>(folder, std::move(signer), std::move(now));
}

fs::path folder_of_url(std::string_view url) {
  return absolute_path_of(url, "file://", "folder", "file:///var/lib/tessera/objects");
}

}  // namespace tessera
