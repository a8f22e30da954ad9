// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "base/untrusted_json.hpp"
#include "http/multipart.hpp"
#include "net/crypto.hpp"
#include "service/gateway/request_json.hpp"

namespace tessera::service {
namespace {

constexpr std::size_t max_field_bytes = std::size_t{1} << 20;
constexpr std::size_t max_fields_bytes = std::size_t{4} << 20;  ///< together
constexpr int max_fields = 64;
constexpr std::array<std::string_view, 5> json_fields{"pipeline", "preset", "output", "priority", "webhook"};

std::string boundary_of(const http::Request& request) {
  return http::header_parameter(request.header("Content-Type"), "boundary");
}

std::string read_field(http::MultipartReader& reader, const std::string& name) {
  std::string text;
  std::array<std::byte, 4096> piece{};
  while (const std::size_t count = reader.read(piece)) {
    text.append(reinterpret_cast<const char*>(piece.data()), count);
    if (text.size() > max_field_bytes) {
      throw Error(ErrorCode::usage,
                  fmt::format("The field '{}' is longer than {} bytes.", name, max_field_bytes));
    }
  }
  return text;
}

void check_utf8(std::string_view text, std::string_view what) {
  if (!is_utf8(text)) {
    throw Error(ErrorCode::usage, fmt::format("{} in the form is not UTF-8.", what));
  }
}

/// Parses JSON objects and lists; everything else is text.
Json field_value(const std::string& text) {
  try {
    Json json = parse_untrusted_json(text);
    return json.is_structured() ? json : Json(text);
  } catch (const Json::exception&) {
    return text;
  }
}

class PartSource final : public ByteSource {
 public:
  explicit PartSource(http::MultipartReader& reader) : reader_(reader) {}
  std::size_t read(std::span<std::byte> out) override { return reader_.read(out); }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return std::nullopt; }

 private:
  http::MultipartReader& reader_;
};

/// Computes the hash of the data read through it.
class HashingSource final : public ByteSource {
 public:
  explicit HashingSource(ByteSource& from) : from_(from) {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = from_.read(out);
    hash_.update({reinterpret_cast<const char*>(out.data()), count});
    return count;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return from_.size(); }
  [[nodiscard]] std::string digest() { return hash_.finish(); }

 private:
  ByteSource& from_;
  Sha256 hash_;
};

struct FormFile {
  std::string name;
  std::string content_type;
};

struct Form {
  Json fields = Json::object();
  std::vector<FormFile> files;
};

/// Reads everything except the contents of files.
Form read_form(const http::Request& request, int max_files) {
  Form form;
  int fields = 0;
  std::size_t field_bytes = 0;
  const auto body = request.body.open();
  http::MultipartReader reader(*body, boundary_of(request));
  while (const auto part = reader.next()) {
    check_utf8(part->file_name.value_or(""), "The name of a file");
    if (part->file_name) {
      if (static_cast<int>(form.files.size()) >= max_files) {
        throw Error(ErrorCode::usage, fmt::format("The form has more than {} files.", max_files));
      }
      if (!part->content_type.empty() && !is_content_type(part->content_type)) {
        throw Error(
            ErrorCode::usage,
            fmt::format("The Content-Type of '{}' in the form is '{}'; it must be a media type such as "
                        "image/png, at most 255 bytes long.",
                        printable(*part->file_name), printable(part->content_type.substr(0, 100))));
      }
      form.files.push_back({*part->file_name, part->content_type});
      continue;
    }
    const std::string text = read_field(reader, part->name);
    field_bytes += text.size();
    if (++fields > max_fields || field_bytes > max_fields_bytes) {
      throw Error(ErrorCode::limit_exceeded,
                  fmt::format("The form has more than {} fields, or more than {} bytes in them.", max_fields,
                              max_fields_bytes));
    }
    check_utf8(text, fmt::format("The field '{}'", part->name.substr(0, 100)));
    if (part->name == "request") {
      const Json request_fields = field_value(text);
      if (!request_fields.is_object() || request_fields.contains("items") ||
          request_fields.contains("object")) {
        throw Error(
            ErrorCode::usage,
            "The field 'request' must be a JSON object without 'items' and 'object': the files of the "
            "form are the items.");
      }
      form.fields.update(request_fields);
    } else if (std::ranges::find(json_fields, part->name) != json_fields.end()) {
      form.fields[part->name] = field_value(text);
    } else {
      throw Error(ErrorCode::usage,
                  fmt::format("The form field '{}' is unknown; known are: request, {}, and files.",
                              part->name.substr(0, 100), fmt::join(json_fields, ", ")));
    }
  }
  if (form.files.empty()) {
    throw Error(ErrorCode::usage,
                "The form has no file: add one, as `curl -F file=@photo.jpg` does, or send JSON.");
  }
  return form;
}

/// Calls `take` with the content of each file, in the order of Form::files.
void for_each_file(const http::Request& request,
                   const std::function<void(std::size_t index, ByteSource& content)>& take) {
  const auto body = request.body.open();
  http::MultipartReader reader(*body, boundary_of(request));
  std::size_t index = 0;
  while (const auto part = reader.next()) {
    if (part->file_name) {
      PartSource content(reader);
      take(index++, content);
    }
  }
}

}  // namespace

bool is_form(const http::Request& request) {
  return http::media_type(request.header("Content-Type")) == "multipart/form-data";
}

UploadGuard::~UploadGuard() {
  for (const std::string& object : objects_) {
    try {
      store_.remove(object);
    } catch (const Error&) {
      continue;  // unused uploads are removed after their expiry
    }
  }
}

void UploadGuard::put(const std::string& object, ByteSource& content, const std::string& content_type) {
  objects_.push_back(object);
  store_.put(object, content, content_type);
}

FormSubmission parse_form(const http::Request& request, const Presets& presets,
                          const SubmissionLimits& limits, UploadGuard& uploads,
                          const std::function<std::string()>& new_object) {
  const Form form = read_form(request, limits.max_items);
  Json json = form.fields;
  Json& items = json["items"] = Json::array();
  for (const FormFile& file : form.files) {
    items.push_back({{"object", new_object()}, {"name", file.name}});
  }
  // Validate the request before anything is stored.
  FormSubmission result{parse_submission(json, presets, limits), {}};
  Sha256 all;
  all.update(form.fields.dump());
  for_each_file(request, [&](std::size_t index, ByteSource& content) {
    limits.check_cancelled();
    const JobRequest& item = result.submission.items[index];
    HashingSource hashing(content);
    uploads.put(item.object, hashing, form.files[index].content_type);
    all.update(item.name + '\0' + hashing.digest());
  });
  result.fingerprint = to_hex(all.finish());
  return result;
}

}  // namespace tessera::service
