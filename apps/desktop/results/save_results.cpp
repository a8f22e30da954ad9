// SPDX-License-Identifier: Apache-2.0
#include "results/save_results.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"

namespace tessera::desktop {
namespace {

namespace fs = std::filesystem;

/// A copy under a hidden name beside `target`, gone at the end.
class TempCopy {
 public:
  TempCopy(const fs::path& file, const fs::path& folder)
      : path_(folder / fmt::format(".tessera-{}-{}", ::getpid(), file.filename().string())) {
    std::error_code failure;
    fs::copy_file(file, path_, fs::copy_options::overwrite_existing, failure);
    if (failure) {
      const bool missing = !fs::exists(file);
      remove();
      throw Error(missing ? ErrorCode::not_found : ErrorCode::io,
                  missing
                      ? std::string("The result is not on this computer any more: process the image again.")
                      : fmt::format("Cannot save into '{}': {}.", folder.string(), failure.message()));
    }
  }
  ~TempCopy() { remove(); }
  TempCopy(const TempCopy&) = delete;
  TempCopy& operator=(const TempCopy&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;  // it has been renamed, or cannot be helped
    fs::remove(path_, ignored);
  }
  fs::path path_;
};

}  // namespace

fs::path save_into(const fs::path& file, const fs::path& folder, const std::string& name) {
  const TempCopy copy(file, folder);
  const fs::path plain = fs::path(name).filename();
  for (int count = 1;; ++count) {
    fs::path target = count == 1 ? folder / plain
                                 : folder / fmt::format("{} ({}){}", plain.stem().string(), count,
                                                        plain.extension().string());
    // Unlike plain renaming, neither replaces what another has made meanwhile. Some file systems have only
    // one of the two.
    if (::renameat2(AT_FDCWD, copy.path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0 ||
        (errno == EINVAL && ::link(copy.path().c_str(), target.c_str()) == 0)) {
      return target;
    }
    if (errno != EEXIST) {
      throw Error(ErrorCode::io, fmt::format("Cannot make '{}': {}.", target.string(), std::strerror(errno)));
    }
  }
}

void save_as(const fs::path& file, const fs::path& target) {
  const TempCopy copy(file, target.parent_path());
  std::error_code failure;
  fs::rename(copy.path(), target, failure);
  if (failure) {
    throw Error(ErrorCode::io, fmt::format("Cannot make '{}': {}.", target.string(), failure.message()));
  }
}

}  // namespace tessera::desktop
