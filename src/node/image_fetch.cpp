// SPDX-License-Identifier: Apache-2.0
#include "node/image_fetch.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Cancels a transfer by throwing from write().
class StoppableSink final : public ByteSink {
 public:
  StoppableSink(ByteSink& out, std::stop_token stop) : out_(out), stop_(std::move(stop)) {}
  void write(std::span<const std::byte> bytes) override {
    if (stop_.stop_requested()) {
      throw Error(ErrorCode::cancelled, "Stopped while the image was being fetched.");
    }
    out_.write(bytes);
  }

 private:
  ByteSink& out_;
  std::stop_token stop_;
};

/// The processed image must be the accepted one. In stores whose upload links cannot be revoked it may be
/// overwritten.
void check_unchanged(const JobRequest& request, const ObjectInfo& info) {
  if (!request.object_tag.empty() && !info.etag.empty() && info.etag != request.object_tag) {
    throw Error(
        ErrorCode::conflict,
        fmt::format("The image '{}' was changed after the job was accepted: upload it again, and submit "
                    "the job again.",
                    request.name));
  }
}

void fetch(ObjectStore& objects, const JobRequest& request, const std::filesystem::path& to,
           const std::stop_token& stop) {
  FileSink file(to);
  StoppableSink stoppable(file, stop);
  try {
    check_unchanged(request, objects.get(request.object, stoppable));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      throw_missing_image(request, objects);
    }
    throw;
  }
  file.close();
}

}  // namespace

void throw_missing_image(const JobRequest& request, ObjectStore& objects) {
  // If the whole bucket or folder is missing, it may come back with the image in it.
  objects.check();
  throw Error(ErrorCode::not_found,
              fmt::format("The image '{}' no longer exists: upload it again.", request.name));
}

ImageFetch::ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
                       const std::stop_token& stop,
                       std::function<void(std::chrono::duration<double>)> fetched)
    : forward_stop_(stop, [this] { stop_source_.request_stop(); }) {
  std::promise<std::filesystem::path> ready;
  try {
    if (auto local = objects.local_file(request.object)) {
      // Upload links to a local folder end when the job is accepted. Tags change when the folder is restored
      // from a backup, which is not the job's fault.
      ready.set_value(*std::move(local));
      file_ = ready.get_future();
      return;
    }
  } catch (const Error&) {
    ready.set_exception(std::current_exception());  // reported by wait(), as any other failure
    file_ = ready.get_future();
    return;
  }
  file_ = std::async(std::launch::async, [&objects, request, file = std::move(file),
                                          stop = stop_source_.get_token(), fetched = std::move(fetched)] {
    const auto begin = std::chrono::steady_clock::now();
    fetch(objects, request, file, stop);
    fetched(std::chrono::steady_clock::now() - begin);
    return file;
  });
}

ImageFetch::~ImageFetch() {
  stop_source_.request_stop();
  if (file_.valid()) {
    file_.wait();
  }
}

std::filesystem::path ImageFetch::wait() { return file_.get(); }

}  // namespace tessera
