// SPDX-License-Identifier: Apache-2.0
#include "replaced_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"

namespace tessera::cli {

ReplacedFile::ReplacedFile(const WorkItem& item, bool replace) : item_(item) {
  known_ = !item_.input.empty() && item_.input != "-" && ::stat(item_.input.c_str(), &before_) == 0;
  if (item_.backup.empty() || !known_) {
    return;
  }
  if (replace) {
    ::unlink(item_.backup.c_str());
  }
  // The result gets the input's name by rename(), so a second name is enough to keep the content.
  if (::link(item_.input.c_str(), item_.backup.c_str()) != 0) {
    throw Error(errno == EEXIST ? ErrorCode::usage : ErrorCode::io,
                errno == EEXIST
                    ? fmt::format("The backup '{}' exists: use --force to replace it.", item_.backup)
                    : fmt::format("The backup '{}' cannot be made: {}.", item_.backup,
                                  std::generic_category().message(errno)),
                item_.backup);
  }
  made_backup_ = true;
}

ReplacedFile::~ReplacedFile() {
  if (made_backup_) {
    ::unlink(item_.backup.c_str());
  }
}

void ReplacedFile::succeeded(bool keep_time) {
  made_backup_ = false;
  if (!keep_time || !known_ || item_.output.empty() || is_stream_output(item_.output)) {
    return;
  }
  const std::array<timespec, 2> times{before_.st_atim, before_.st_mtim};
  if (::utimensat(AT_FDCWD, item_.output.c_str(), times.data(), 0) != 0) {
    throw Error(ErrorCode::io,
                fmt::format("'{}' was written, but its time of modification cannot be set: {}.", item_.output,
                            std::generic_category().message(errno)),
                item_.output);
  }
}

}  // namespace tessera::cli
