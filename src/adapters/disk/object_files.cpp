// SPDX-License-Identifier: Apache-2.0
#include "adapters/disk/object_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <vector>

#include "base/error.hpp"

namespace tessera::disk {
namespace {

// File systems allow 255 bytes per name; escapes and the suffix need some of them.
constexpr std::size_t max_part_bytes = 200;
// A '%' in a name is escaped as "%25", so no escaped name contains this.
constexpr std::string_view ending = "%o";

std::string escaped(std::string_view part) {
  std::string text;
  for (const char c : part) {
    text += c == '%' ? std::string("%25") : std::string(1, c);
  }
  return text;
}

std::string unescaped(std::string_view text) {
  std::string part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    part += text[i];
    i += text[i] == '%' ? 2 : 0;
  }
  return part;
}

struct Entry {
  std::string key;  ///< of the name: "part" or, for a folder, "part/"
  std::filesystem::path path;
};

std::vector<Entry> entries_of(const std::filesystem::path& folder) {
  std::vector<Entry> entries;
  std::error_code gone;  // removed concurrently
  for (std::filesystem::directory_iterator next(folder, gone), end; !gone && next != end;
       next.increment(gone)) {
    const std::string file = next->path().filename().string();
    std::error_code ignored;
    if (next->is_symlink(ignored)) {
      continue;  // not ours
    }
    if (file.ends_with(ending)) {
      entries.push_back(
          {unescaped(std::string_view(file).substr(0, file.size() - ending.size())), next->path()});
    } else {
      entries.push_back({unescaped(file) + "/", next->path()});
    }
  }
  std::ranges::sort(entries, {}, &Entry::key);
  return entries;
}

bool visit_folder(const std::filesystem::path& folder, const std::string& above, const std::string& prefix,
                  const std::string& after,
                  const std::function<bool(const std::string&, const std::filesystem::path&)>& visit) {
  for (const Entry& entry : entries_of(folder)) {
    const std::string name = above + entry.key;
    if (entry.key.ends_with('/')) {
      const bool may_match = name.starts_with(prefix) || prefix.starts_with(name);
      const bool may_follow = name > after || after.starts_with(name);
      if (may_match && may_follow && !visit_folder(entry.path, name, prefix, after, visit)) {
        return false;
      }
    } else if (name.starts_with(prefix) && name > after && !visit(name, entry.path)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::filesystem::path file_of(std::string_view name) {
  std::filesystem::path file;
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    const std::string part = escaped(rest.substr(0, slash));
    if (part.size() > max_part_bytes) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' cannot be the name of an object in a folder: a part between slashes takes {} "
                      "bytes; the limit is {}.",
                      name.substr(0, 100), part.size(), max_part_bytes));
    }
    if (slash == std::string_view::npos) {
      return file / (part + std::string(ending));
    }
    file /= part;
    rest.remove_prefix(slash + 1);
  }
}

int open_beneath(const std::filesystem::path& folder, const std::filesystem::path& file) {
  int at = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (auto part = file.begin(); at >= 0 && part != file.end(); ++part) {
    const bool last = std::next(part) == file.end();
    const int next = ::openat(at, part->c_str(),
                              (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
    const int reason = errno == ELOOP ? ENOENT : errno;
    ::close(at);
    at = next;
    errno = reason;
  }
  struct stat status {};
  if (at >= 0 && (::fstat(at, &status) != 0 || !S_ISREG(status.st_mode))) {
    ::close(at);
    errno = ENOENT;
    return -1;
  }
  return at;
}

void visit_names(
    const std::filesystem::path& folder, const std::string& prefix, const std::string& after,
    const std::function<bool(const std::string& name, const std::filesystem::path& file)>& visit) {
  visit_folder(folder, "", prefix, after, visit);
}

}  // namespace tessera::disk
