// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/zip_stream.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <memory>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "service/gateway/entry_names.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

constexpr const char* failures_name = "failures.txt";

struct FreeArchive {
  void operator()(archive* handle) const { archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

/// libarchive's writer; an exception of `out` in its callback is rethrown after libarchive has returned.
class ZipWriter {
 public:
  explicit ZipWriter(ByteSink& out) : out_(out), handle_(archive_write_new()) {
    check(archive_write_set_format_zip(handle_.get()));
    check(archive_write_set_options(handle_.get(), "zip:compression=store,zip:hdrcharset=UTF-8"));
    check(archive_write_set_bytes_per_block(handle_.get(), 0));
    check(archive_write_open(handle_.get(), this, nullptr, &ZipWriter::pass_on, nullptr));
  }

  void begin(const std::string& name, std::int64_t size_bytes, TimePoint modified) {
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname_utf8(entry.get(), name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), size_bytes);
    archive_entry_set_mtime(entry.get(), std::chrono::system_clock::to_time_t(modified), 0);
    check(archive_write_header(handle_.get(), entry.get()));
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const la_ssize_t count = archive_write_data(handle_.get(), bytes.data(), bytes.size());
      check(count > 0 ? ARCHIVE_OK : ARCHIVE_FATAL);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  void close() { check(archive_write_close(handle_.get())); }

 private:
  static la_ssize_t pass_on(archive* handle, void* self, const void* bytes, std::size_t size) {
    auto& writer = *static_cast<ZipWriter*>(self);
    try {
      writer.out_.write({static_cast<const std::byte*>(bytes), size});
      return static_cast<la_ssize_t>(size);
    } catch (...) {
      writer.failure_ = std::current_exception();
      archive_set_error(handle, EPIPE, "the receiver is closed");
      return -1;
    }
  }

  void check(int result) {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    if (result < ARCHIVE_WARN) {
      const char* const reason = archive_error_string(handle_.get());
      throw Error(ErrorCode::internal, fmt::format("The archive cannot be written: {}.",
                                                   reason == nullptr ? "no reason" : reason));
    }
  }

  ByteSink& out_;
  std::exception_ptr failure_;
  std::unique_ptr<archive, FreeArchive> handle_;
};

class EntrySink final : public ByteSink {
 public:
  explicit EntrySink(ZipWriter& zip) : zip_(zip) {}
  void write(std::span<const std::byte> bytes) override { zip_.write(bytes); }

 private:
  ZipWriter& zip_;
};

std::string numbered(const std::string& wanted, int number) {
  const std::size_t dot = wanted.rfind('.');
  return fmt::format("{} ({}){}", wanted.substr(0, dot), number,
                     dot == std::string::npos ? "" : wanted.substr(dot));
}

std::string free_name(const std::string& wanted, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int number = 2; !taken.insert(folded(name)).second; ++number) {
    name = numbered(wanted, number);
  }
  return name;
}

std::string reason_of(const Job& job, bool result_is_gone) {
  if (result_is_gone) {
    return "The result no longer exists.";
  }
  return job.failure ? without_internals(job.failure->sentence) : std::string(to_string(job.state)) + ".";
}

}  // namespace

void write_results_zip(const std::vector<Job>& jobs, ObjectStore& objects, ByteSink& out) {
  ZipWriter zip(out);
  EntrySink entry(zip);
  std::set<std::string> taken{folded(failures_name)};
  std::string failures;
  for (const Job& job : jobs) {
    // Checked before the entry starts: its header contains the length, so it cannot be undone.
    const auto there = job.result ? objects.stat(job.result->object) : std::nullopt;
    if (!there) {
      failures +=
          fmt::format("{}: {}\n", printable(job.request.name), reason_of(job, job.result.has_value()));
      continue;
    }
    zip.begin(free_name(safe_entry_name(job.result->file_name), taken), there->size_bytes, job.updated);
    objects.get(job.result->object, entry);
  }
  if (!failures.empty()) {
    zip.begin(failures_name, std::ssize(failures), jobs.back().updated);
    zip.write(std::as_bytes(std::span(failures)));
  }
  zip.close();
}

}  // namespace tessera::service
