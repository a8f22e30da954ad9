// STUB
#include "outputs.hpp"
#include <fstream>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>
#include <cstring>
#include "core/error.hpp"
namespace tessera::cli {
std::string result_extension(const std::string&, const ApplyOptions& o) { return o.format.empty() ? "png" : o.format; }
struct StubSink : Sink {
  std::string file, head; bool root; int fd = -1; std::int64_t row;
  std::int64_t piece_rows() const override { return 64; }
  Bytes encode(const Tile& t) const override { Bytes b; for (int y = 0; y < t.rect.height; ++y) { auto* p = reinterpret_cast<const std::byte*>(t.color.ptr(y)); b.insert(b.end(), p, p + row); } return b; }
  void append(const Bytes& b) override { static_cast<void>(!::write(fd, b.data(), b.size())); }
  void finish() override {
    std::string path = fmt::format("/proc/self/fd/{}", fd);
    std::ifstream in(path, std::ios::binary);
    if (file == "-") { std::string all((std::istreambuf_iterator<char>(in)), {}); fwrite(all.data(), 1, all.size(), stdout); fflush(stdout); }
    else { std::ofstream(file, std::ios::binary) << in.rdbuf(); }
  }
};
std::unique_ptr<Sink> open_output(const WorkItem& item, const ImageInfo& info, const Metadata&, const ApplyOptions&, bool root) {
  auto s = std::make_unique<StubSink>(); s->file = item.output; s->root = root; s->row = info.row_bytes();
  if (item.output.ends_with(".xyz")) throw Error(ErrorCode::usage, "xyz");
  if (root) { FILE* f = tmpfile(); s->fd = dup(fileno(f)); fclose(f); auto h = fmt::format("P{}\n{} {}\n255\n", info.format.channels == 1 ? 5 : 6, info.extent.width, info.extent.height); Bytes b(h.size()); std::memcpy(b.data(), h.data(), h.size()); s->append(b);
   if (item.output != "-" && item.output != "") { auto d = std::filesystem::path(item.output).parent_path(); if (!d.empty() && !std::filesystem::exists(d)) throw Error(ErrorCode::io, d.string()); } }
  if (item.output.empty()) s->file = "/dev/null";
  return s;
}
std::int64_t written_bytes(const WorkItem& item, const Sink&) { std::error_code e; auto n = std::filesystem::file_size(item.output, e); return e ? 0 : static_cast<std::int64_t>(n); }
void write_text(const std::string& f, const std::string& t) { std::ofstream(f) << t; }
}
