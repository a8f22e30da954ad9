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
#include "adapters/path_url.hpp"
#include "base/error.hpp"
#include "ports/job.hpp"
#include "ports/result_names.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t copy_bytes = std::size_t{256} << 10;
// Files under way are locked by who writes them, so that those of a process that died are known. Where there
// are no such locks, and of an earlier release, which took none, age must do.
constexpr std::string_view locked_prefix = "locked_";
constexpr std::chrono::hours leftover_age{24};
constexpr std::chrono::hours leftover_interval{1};

[[noreturn]] void fail(const std::string& doing, const fs::path& path, int error) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", doing, path.string(), std::strerror(error)));
}

class StoreFile {
 public:
  StoreFile(const fs::path& path, int flags, const char* doing)
      : StoreFile(path, ::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) {
      fail(doing, path, errno);
    }
  }
  /// Nothing if there is no such file in `folder`. Links are not followed on the way: who can write into the
  /// folder could make the service hand out any file.
  [[nodiscard]] static std::unique_ptr<StoreFile> if_there(const fs::path& folder, const fs::path& file) {
    const int opened = disk::open_beneath(folder, file);
    if (opened < 0 && errno != ENOENT && errno != ENOTDIR) {
      fail("open", folder / file, errno);
    }
    return opened < 0 ? nullptr : std::unique_ptr<StoreFile>(new StoreFile(folder / file, opened));
  }
  /// The same for a folder, or a file, of the store's own.
  [[nodiscard]] static std::unique_ptr<StoreFile> own_if_there(const fs::path& path) {
    const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (opened < 0 && errno != ENOENT && errno != ENOTDIR) {
      fail("open", path, errno);
    }
    return opened < 0 ? nullptr : std::unique_ptr<StoreFile>(new StoreFile(path, opened));
  }
  ~StoreFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

  void write(std::span<const std::byte> bytes) {
    if (!write_all(descriptor_, bytes)) {
      fail("write", path_, errno);
    }
  }
  void bring_to_disk() {
    if (::fsync(descriptor_) != 0) {
      fail("write", path_, errno);
    }
  }

 private:
  StoreFile(fs::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  fs::path path_;
  int descriptor_;
};

void sync_folder(const fs::path& folder) {
  StoreFile(folder, O_RDONLY | O_DIRECTORY, "open").bring_to_disk();
}

/// Makes the folder with those above it, each of which is on the disk before the next is made: a file system
/// promises nothing for a folder whose entry in the one above was not brought there.
void make_folders(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) {
    return;
  }
  make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0755) == 0) {
    if (const auto above = StoreFile::own_if_there(folder.parent_path())) {
      above->bring_to_disk();
    }
  } else if (errno != EEXIST && errno != ENOENT) {  // another may remove the one above, empty still
    fail("make the folder", folder, errno);
  }
}

/// A file that is being written; gone unless it was moved to its place.
class IncomingFile {
 public:
  explicit IncomingFile(const fs::path& folder)
      : IncomingFile(folder, StoreFile(folder, O_RDONLY | O_DIRECTORY, "open")) {}
  ~IncomingFile() {
    if (!moved_) {
      ::unlink(path_.c_str());
    }
  }
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;

  StoreFile& file() { return file_; }
  /// To `name` in the folder `root`, which must be there: where it is not, all objects are away.
  void move_to(const fs::path& root, const fs::path& name) {
    const fs::path place = root / name;
    file_.bring_to_disk();
    // Another may remove the folder, empty still, between the two steps.
    constexpr int attempts = 100;
    for (int attempt = 1;; ++attempt) {
      if (std::error_code ignored; !fs::is_directory(root, ignored)) {
        throw Error(ErrorCode::unavailable, fmt::format("The folder '{}' is not there.", root.string()));
      }
      make_folders(place.parent_path());
      if (::rename(path_.c_str(), place.c_str()) == 0) {
        break;
      }
      if (errno != ENOENT || attempt == attempts) {
        fail("make", place, errno);
      }
    }
    moved_ = true;
    sync_folder(place.parent_path());
  }

 private:
  /// While `folder_lock` is shared, nobody takes the new file, which is not locked yet, for a leftover.
  IncomingFile(const fs::path& folder, const StoreFile& folder_lock)
      : path_(folder / new_id(::flock(folder_lock.get(), LOCK_SH) == 0 ? "locked" : "put", system_now())),
        file_(path_, O_WRONLY | O_CREAT | O_EXCL, "make") {
    ::flock(file_.get(), LOCK_EX | LOCK_NB);  // nobody else has it
  }

  fs::path path_;
  StoreFile file_;
  bool moved_ = false;
};

class DiskObjectStore final : public ObjectStore {
 public:
  DiskObjectStore(fs::path folder, std::optional<LinkSigner> signer, Clock now)
      : folder_(std::move(folder)), signer_(std::move(signer)), now_(std::move(now)) {
    for (const fs::path& part : {objects(), types(), incoming()}) {
      make_folders(fs::absolute(part));
    }
    remove_leftovers();
  }

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    const fs::path file = checked_file(name);
    IncomingFile incoming_file(incoming());
    std::vector<std::byte> buffer(copy_bytes);
    while (const std::size_t count = body.read(buffer)) {
      incoming_file.file().write(std::span(buffer).first(count));
    }
    check_whole_body(name, body, size_of(incoming_file.file()));
    // Two files cost twice as many waits for the disk as one.
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
    const auto opened = StoreFile::if_there(objects(), file);
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
    const auto opened = StoreFile::if_there(objects(), file);
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
      remove_leftovers();  // whoever lists is looking for what is not needed any more
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

  std::optional<fs::path> local_file(const std::string& name) override {
    const fs::path file = checked_file(name);
    return StoreFile::if_there(objects(), file) ? std::optional(objects() / file) : std::nullopt;
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
      throw Error(ErrorCode::usage, "This opening of the folder has no secret, so it cannot sign links.");
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
      fail("look at", objects() / file, errno);
    }
    return info_of(name, file, status);
  }
  [[nodiscard]] ObjectInfo info_of(const std::string& name, const fs::path& file,
                                   const struct stat& status) const {
    const auto modified =
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::duration_cast<std::chrono::milliseconds>(
                                                          std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    return {name, status.st_size, content_type_of(name, file), TimePoint(modified),
            fmt::format("{}-{}.{:09}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)};
  }
  /// Of an object that has no file for its type.
  static std::string type_by_name(const std::string& name) {
    const std::string extension = fs::path(name).extension().string();
    return extension.empty() ? std::string() : tessera::content_type_of(extension.substr(1));
  }
  [[nodiscard]] std::string content_type_of(const std::string& name, const fs::path& file) const {
    const auto type_file = StoreFile::if_there(types(), file);
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
    // Folders that are empty now; the first that is not ends it.
    for (fs::path above = file.parent_path(); !above.empty(); above = above.parent_path()) {
      if (::rmdir((part / above).c_str()) != 0) {
        break;
      }
    }
  }

  /// Of calls that were broken off long ago.
  void remove_leftovers() {
    leftovers_removed_ = std::chrono::steady_clock::now();
    remove_broken_off();
    // A type is written before its object, so after a crash it may be alone.
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
  void remove_broken_off() const {
    const StoreFile folder_lock(incoming(), O_RDONLY | O_DIRECTORY, "open");
    const bool locks = ::flock(folder_lock.get(), LOCK_EX) == 0;
    std::error_code ignored;  // another may be removing the same
    const auto oldest = fs::file_time_type::clock::now() - leftover_age;
    for (fs::directory_iterator next(incoming(), ignored), end; !ignored && next != end;
         next.increment(ignored)) {
      const std::string name = next->path().filename().string();
      std::error_code gone;
      const bool abandoned = locks && name.starts_with(locked_prefix)
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
