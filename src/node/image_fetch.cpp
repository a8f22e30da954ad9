#include "node/image_fetch.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Stops a transfer by throwing where the bytes pass.
class StoppableSink final : public ByteSink {
 public:
  StoppableSink(ByteSink& out, std::stop_token stop) : out_(out), stop_(std::move(stop)) {}
  void write(std::span<const std::byte> bytes) override {
    if (stop_.stop_requested()) {
      throw Error(ErrorCode::cancelled, "Stopped while the image was fetched.");
    }
    out_.write(bytes);
  }

 private:
  ByteSink& out_;
  std::stop_token stop_;
};

/// What was accepted is what is worked on. Stores whose links cannot be ended let others write over it.
void refuse_changed(const JobRequest& request, const ObjectInfo& info) {
  if (!request.object_tag.empty() && !info.etag.empty() && info.etag != request.object_tag) {
    throw Error(
        ErrorCode::conflict,
        fmt::format("The image '{}' was changed after the job was accepted: upload it again, and submit "
                    "the job anew.",
                    request.name));
  }
}

void fetch(ObjectStore& objects, const JobRequest& request, const std::filesystem::path& to,
           const std::stop_token& stop) {
  FileSink file(to);
  StoppableSink stoppable(file, stop);
  try {
    refuse_changed(request, objects.get(request.object, stoppable));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      refuse_missing(request, objects);
    }
    throw;
  }
  file.close();
}

}  // namespace

void refuse_missing(const JobRequest& request, ObjectStore& objects) {
  // Where the whole bucket or folder is gone, it may come back with the image in it.
  objects.check();
  throw Error(ErrorCode::not_found,
              fmt::format("The image '{}' is not there any more: upload it again.", request.name));
}

ImageFetch::ImageFetch(ObjectStore& objects, const JobRequest& request, std::filesystem::path file,
                       const std::stop_token& stop,
                       std::function<void(std::chrono::duration<double>)> fetched)
    : pass_on_(stop, [this] { own_stop_.request_stop(); }) {
  std::promise<std::filesystem::path> here;
  try {
    if (auto local = objects.local_file(request.object)) {
      // Links to a local folder end when the job is accepted. Its tags change when the folder is restored
      // from a copy, which is not the job's fault.
      here.set_value(*std::move(local));
      under_way_ = here.get_future();
      return;
    }
  } catch (const Error&) {
    here.set_exception(std::current_exception());  // for the one who waits, as any other failure
    under_way_ = here.get_future();
    return;
  }
  under_way_ = std::async(std::launch::async, [&objects, request, file = std::move(file),
                                               stop = own_stop_.get_token(), fetched = std::move(fetched)] {
    const auto begin = std::chrono::steady_clock::now();
    fetch(objects, request, file, stop);
    fetched(std::chrono::steady_clock::now() - begin);
    return file;
  });
}

ImageFetch::~ImageFetch() {
  own_stop_.request_stop();
  if (under_way_.valid()) {
    under_way_.wait();
  }
}

std::filesystem::path ImageFetch::wait() { return under_way_.get(); }

}  // namespace tessera
