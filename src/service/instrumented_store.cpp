// SPDX-License-Identifier: Apache-2.0
#include "service/instrumented_store.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "ports/part_uploads.hpp"

namespace tessera::service {
namespace {

template <class Work>
auto forbidden_as_unavailable(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::forbidden) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("The store rejects this service's credentials: {}", error.what()));
    }
    throw;
  }
}

class CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& to) : to_(to) {}
  void write(std::span<const std::byte> bytes) override {
    to_.write(bytes);
    count_ += static_cast<double>(bytes.size());
  }
  [[nodiscard]] double count() const { return count_; }

 private:
  ByteSink& to_;
  double count_ = 0;
};

class InstrumentedStore final : public ObjectStore, public PartUploads {
 public:
  InstrumentedStore(std::unique_ptr<ObjectStore> store, Metrics& metrics)
      : store_(std::move(store)), metrics_(metrics) {}

  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    return measured("put", [&] {
      ObjectInfo info = store_->put(name, body, content_type);
      metrics_.add(Metric::store_bytes, {{"direction", "in"}}, static_cast<double>(info.size_bytes));
      return info;
    });
  }
  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    CountingSink counting(out);
    return measured("get", [&] {
      ObjectInfo info = store_->get(name, counting, range);
      metrics_.add(Metric::store_bytes, {{"direction", "out"}}, counting.count());
      return info;
    });
  }
  std::optional<ObjectInfo> stat(const std::string& name) override {
    return measured("stat", [&] { return store_->stat(name); });
  }
  void remove(const std::string& name) override {
    measured("remove", [&] {
      store_->remove(name);
      return true;
    });
  }
  ObjectPage list(const std::string& prefix, const std::string& after, int limit) override {
    return measured("list", [&] { return store_->list(prefix, after, limit); });
  }
  void check() override {
    measured("check", [&] {
      store_->check();
      return true;
    });
  }
  // These send no request, so they are not measured.
  Link sign_get(const std::string& name, const LinkOptions& options) override {
    return forbidden_as_unavailable([&] { return store_->sign_get(name, options); });
  }
  Link sign_put(const std::string& name, const LinkOptions& options) override {
    return forbidden_as_unavailable([&] { return store_->sign_put(name, options); });
  }
  std::optional<std::filesystem::path> local_file(const std::string& name) override {
    return store_->local_file(name);
  }

  PartUploads& part_uploads() override { return *this; }
  std::string begin_upload(const std::string& name, const std::string& content_type) override {
    return measured("begin_upload", [&] { return parts().begin_upload(name, content_type); });
  }
  ObjectPart put_part(const std::string& name, const std::string& upload, int number,
                      ByteSource& body) override {
    return measured("put_part", [&] {
      ObjectPart part = parts().put_part(name, upload, number, body);
      metrics_.add(Metric::store_bytes, {{"direction", "in"}}, static_cast<double>(part.size_bytes));
      return part;
    });
  }
  Link sign_part(const std::string& name, const std::string& upload, int number, std::int64_t size_bytes,
                 std::chrono::seconds lifetime) override {
    return forbidden_as_unavailable(
        [&] { return parts().sign_part(name, upload, number, size_bytes, lifetime); });
  }
  std::vector<ObjectPart> list_parts(const std::string& name, const std::string& upload) override {
    return measured("list_parts", [&] { return parts().list_parts(name, upload); });
  }
  ObjectInfo complete_upload(const std::string& name, const std::string& upload,
                             const std::vector<ObjectPart>& of) override {
    return measured("complete_upload", [&] { return parts().complete_upload(name, upload, of); });
  }
  void abort_upload(const std::string& name, const std::string& upload) override {
    measured("abort_upload", [&] {
      parts().abort_upload(name, upload);
      return true;
    });
  }
  int abort_uploads(const std::string& prefix, TimePoint begun_before) override {
    return measured("abort_uploads", [&] { return parts().abort_uploads(prefix, begun_before); });
  }

 private:
  template <class Work>
  auto measured(const char* operation, const Work& work) -> decltype(work()) {
    const auto started = std::chrono::steady_clock::now();
    const auto end = [&](const char* outcome) {
      metrics_.add(Metric::store_operations, {{"operation", operation}, {"outcome", outcome}});
      metrics_.observe(Metric::store_operation_seconds, {{"operation", operation}},
                       std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
    };
    try {
      auto result = forbidden_as_unavailable(work);
      end("done");
      return result;
    } catch (...) {
      end("failed");
      throw;
    }
  }

  [[nodiscard]] PartUploads& parts() { return store_->part_uploads(); }

  std::unique_ptr<ObjectStore> store_;
  Metrics& metrics_;
};

}  // namespace

std::unique_ptr<ObjectStore> with_metrics(std::unique_ptr<ObjectStore> store, Metrics& metrics) {
  return std::make_unique<InstrumentedStore>(std::move(store), metrics);
}

}  // namespace tessera::service
