// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of a submission, JSON or a form with images in it: refused with an Error that tells
// of no defect, or taken as something that can be stored as JSON.
#include <cstdint>
#include <cstdlib>
#include <map>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"
#include "service/gateway/form.hpp"
#include "service/gateway/submission.hpp"

namespace {

using namespace tessera;

/// Keeps nothing but knows what it was given.
class ForgetfulStore final : public ObjectStore {
 public:
  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& content_type) override {
    check_object_name(name);
    ObjectInfo info{name, 0, content_type, {}};
    std::byte piece[997];
    while (const std::size_t count = body.read(piece)) {
      info.size_bytes += static_cast<std::int64_t>(count);
    }
    return info;
  }
  ObjectInfo get(const std::string&, ByteSink&, const std::optional<ByteRange>&) override { return {}; }
  std::optional<ObjectInfo> stat(const std::string&) override { return std::nullopt; }
  void remove(const std::string&) override {}
  ObjectPage list(const std::string&, const std::string&, int) override { return {}; }
  Link sign_get(const std::string&, const LinkOptions&) override { return {}; }
  Link sign_put(const std::string&, const LinkOptions&) override { return {}; }
  void check() override {}
};

void store(const service::Submission& submission) {
  for (const JobRequest& item : submission.items) {
    // What is stored is read again, by a node and by clients.
    if (to_json(request_from_json(Json::parse(to_json(item).dump()))) != to_json(item)) {
      std::abort();
    }
  }
}

template <class Work>
void refused_or(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) {
      std::abort();
    }
  } catch (const Json::parse_error&) {
    return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  static const Presets presets = parse_presets(R"({"presets": {"soft": "gaussian-blur sigma=2 | otsu"}})");
  constexpr int most_items = 5;
  refused_or([&] {
    store(service::parse_submission(parse_untrusted_json(text), presets, {.max_items = most_items}));
  });
  refused_or([&] { static_cast<void>(service::check_pipeline(parse_untrusted_json(text), presets)); });
  refused_or([&] {
    http::Request request;
    request.headers = {{"Content-Type", "multipart/form-data; boundary=b"}};
    constexpr std::int64_t held = 1 << 20;
    request.body.append(text, held, {});
    ForgetfulStore objects;
    service::UploadGuard uploads(objects);
    store(service::parse_form(request, presets, {.max_items = most_items}, uploads, [] {
            return std::string("uploads/x");
          }).submission);
  });
  return 0;
}
