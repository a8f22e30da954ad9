// SPDX-License-Identifier: Apache-2.0
#include "node/image_fetch.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/parallel_for_each.hpp"

namespace tessera {
namespace {

/// What the first request takes, which is all of most images; more comes in parts, over several connections.
constexpr std::int64_t part_bytes = std::int64_t{16} << 20;
constexpr std::size_t max_connections = 4;

/// Writes into a file from an offset on. Cancels the transfer by throwing from write().
class PartSink final : public ByteSink {
 public:
  PartSink(const FileDescriptor& file, const std::filesystem::path& path, std::int64_t offset,
           const std::stop_token& stop)
      : file_(file), path_(path), at_(offset), stop_(stop) {}
  void write(std::span<const std::byte> bytes) override {
    if (stop_.stop_requested()) {
      throw Error(ErrorCode::cancelled, "Stopped while the image was being fetched.");
    }
    if (!pwrite_all(file_.get(), at_, bytes)) {
      throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {}.", path_.string(),
                                             std::generic_category().message(errno)));
    }
    at_ += std::ssize(bytes);
  }

 private:
  const FileDescriptor& file_;
  const std::filesystem::path& path_;
  std::int64_t at_;
  const std::stop_token& stop_;
};

/// The processed image must be the accepted one. In stores whose upload links cannot be revoked it may be
/// overwritten.
void check_unchanged(const JobRequest& request, const ObjectInfo& info) {
  if (!request.object_tag.empty() && !info.etag.empty() && info.etag != request.object_tag) {
    throw_changed_image(request);
  }
}

/// A part, or an empty image, of which there is none.
ObjectInfo fetch_part(ObjectStore& objects, const std::string& object, std::int64_t first, ByteSink& to) {
  try {
    return objects.get(object, to, ByteRange{first, first + part_bytes - 1});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage || first > 0) {
      throw;
    }
    return objects.get(object, to);
  }
}

/// What is behind the first part.
void fetch_rest(ObjectStore& objects, const JobRequest& request, const ObjectInfo& found,
                const FileDescriptor& file, const std::filesystem::path& path, const std::stop_token& stop) {
  const std::int64_t parts = (found.size_bytes + part_bytes - 1) / part_bytes;
  parallel_for_each(static_cast<std::size_t>(parts - 1), max_connections, [&](std::size_t index) {
    const std::int64_t begin = static_cast<std::int64_t>(index + 1) * part_bytes;
    PartSink sink(file, path, begin, stop);
    const ObjectInfo now = fetch_part(objects, request.object, begin, sink);
    if (now.etag != found.etag || now.size_bytes != found.size_bytes) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("The image '{}' was replaced while it was being fetched: it is fetched again.",
                              request.name));
    }
  });
}

/// Nothing if the store cannot give a link that is valid for long enough: credentials of a role may end sooner.
std::optional<TransferGrant> grant_for(ObjectStore& objects, const std::string& name, const ObjectInfo& image,
                                       std::chrono::seconds lifetime) {
  if (lifetime.count() <= 0 || image.etag.empty()) {
    return std::nullopt;
  }
  // Clocks differ, and some time passes until the work begins.
  constexpr std::chrono::minutes margin{15};
  LinkOptions options;
  options.lifetime = std::min<std::chrono::seconds>(lifetime + 2 * margin, max_link_lifetime);
  const Link link = objects.sign_get(name, options);
  if (link.expires < system_now() + lifetime + margin) {
    return std::nullopt;
  }
  return TransferGrant{0, link.url, image.etag, image.size_bytes};
}

std::optional<TransferGrant> fetch(ObjectStore& objects, const JobRequest& request,
                                   const std::filesystem::path& to, const std::stop_token& stop,
                                   std::chrono::seconds link_lifetime) {
  const FileDescriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot write '{}': {}.", to.string(), std::generic_category().message(errno)));
  }
  try {
    PartSink sink(file, to, 0, stop);
    const ObjectInfo found = fetch_part(objects, request.object, 0, sink);
    check_unchanged(request, found);
    if (found.size_bytes > part_bytes) {
      if (auto grant = grant_for(objects, request.object, found, link_lifetime)) {
        return grant;
      }
      fetch_rest(objects, request, found, file, to, stop);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      throw_missing_image(request, objects);
    }
    throw;
  }
  return std::nullopt;
}

}  // namespace

void throw_changed_image(const JobRequest& request) {
  throw Error(
      ErrorCode::conflict,
      fmt::format("The image '{}' was changed after the job was accepted: upload it again, and submit "
                  "the job again.",
                  request.name));
}

void throw_missing_image(const JobRequest& request, ObjectStore& objects) {
  // If the whole bucket or folder is missing, it may come back with the image in it.
  objects.check();
  throw Error(ErrorCode::not_found,
              fmt::format("The image '{}' no longer exists: upload it again.", request.name));
}

ImageFetch::ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
                       const std::stop_token& stop, std::chrono::seconds link_lifetime,
                       std::function<void(std::chrono::duration<double>)> fetched)
    : forward_stop_(stop, [this] { stop_source_.request_stop(); }) {
  std::promise<FetchedImage> ready;
  try {
    if (auto local = objects.local_file(request.object)) {
      // Upload links to a local folder end when the job is accepted. Tags change when the folder is restored
      // from a backup, which is not the job's fault.
      ready.set_value({*std::move(local)});
      image_ = ready.get_future();
      return;
    }
  } catch (const Error&) {
    ready.set_exception(std::current_exception());  // reported by wait(), as any other failure
    image_ = ready.get_future();
    return;
  }
  image_ = std::async(std::launch::async,
                      [&objects, request, file = std::move(file), stop = stop_source_.get_token(),
                       link_lifetime, fetched = std::move(fetched)] {
                        const auto begin = std::chrono::steady_clock::now();
                        FetchedImage image{file, fetch(objects, request, file, stop, link_lifetime)};
                        fetched(std::chrono::steady_clock::now() - begin);
                        return image;
                      });
}

ImageFetch::~ImageFetch() {
  stop_source_.request_stop();
  if (image_.valid()) {
    image_.wait();
  }
}

FetchedImage ImageFetch::wait() { return image_.get(); }

}  // namespace tessera
