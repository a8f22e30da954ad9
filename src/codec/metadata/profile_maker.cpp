// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/profile_maker.hpp"

#include <cmath>
#include <map>

namespace tessera {
namespace {

constexpr std::size_t header_bytes = 128;
constexpr std::size_t table_entry_bytes = 12;

void put(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}

void put_fixed(Bytes& out, double value) {
  put(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value * 65536))), 4);
}

void put_text(Bytes& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(static_cast<std::byte>(c));
  }
}

Bytes begin(std::string_view type) {
  Bytes content;
  put_text(content, type);
  put(content, 0, 4);
  return content;
}

}  // namespace

void ProfileMaker::add(const std::string& name, Bytes content) {
  tags_.emplace_back(name, std::move(content));
}

void ProfileMaker::add_xyz(const std::string& name, const Vector3& value) {
  Bytes content = begin("XYZ ");
  for (const double one : value) {
    put_fixed(content, one);
  }
  add(name, std::move(content));
}

void ProfileMaker::add_matrix(const std::string& name, const Matrix3& matrix) {
  Bytes content = begin("sf32");
  for (const Vector3& row : matrix) {
    for (const double one : row) {
      put_fixed(content, one);
    }
  }
  add(name, std::move(content));
}

void ProfileMaker::add_text(const std::string& name, std::string_view ascii) {
  Bytes content = begin("mluc");
  put(content, 1, 4);
  put(content, 12, 4);
  put(content, 0x656E5553, 4);  // enUS
  put(content, 2 * ascii.size(), 4);
  put(content, 28, 4);
  for (const char c : ascii) {
    put(content, static_cast<unsigned char>(c), 2);
  }
  add(name, std::move(content));
}

Bytes ProfileMaker::parametric(unsigned kind, std::initializer_list<double> parameters) {
  Bytes content = begin("para");
  put(content, kind, 2);
  put(content, 0, 2);
  for (const double one : parameters) {
    put_fixed(content, one);
  }
  return content;
}

Bytes ProfileMaker::make() {
  add_xyz("wtpt", d50);
  add_text("desc", "Made by Tessera");
  add_text("cprt", "No copyright");
  Bytes body;
  Bytes table;
  put(table, tags_.size(), 4);
  const std::size_t first = header_bytes + 4 + table_entry_bytes * tags_.size();
  std::map<std::vector<std::byte>, std::size_t> known;  // curves are shared
  for (const auto& [name, content] : tags_) {
    const auto [at, fresh] = known.try_emplace({content.begin(), content.end()}, first + body.size());
    put_text(table, name);
    put(table, at->second, 4);
    put(table, content.size(), 4);
    if (fresh) {
      body.insert(body.end(), content.begin(), content.end());
      while (body.size() % 4 != 0) {
        body.push_back(std::byte{0});
      }
    }
  }
  Bytes out = header(first + body.size());
  out.insert(out.end(), table.begin(), table.end());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Bytes ProfileMaker::header(std::size_t bytes) const {
  Bytes out;
  put(out, bytes, 4);
  put(out, 0, 4);
  put(out, 0x04200000, 4);  // version 4.2
  put_text(out, "mntr");
  put_text(out, space_ == ProfileSpace::gray ? "GRAY" : "RGB ");
  put_text(out, "XYZ ");
  // A date that is the same every time: equal images give equal files.
  for (const unsigned part : {2000U, 1U, 1U, 0U, 0U, 0U}) {
    put(out, part, 2);
  }
  put_text(out, "acsp");
  out.resize(68, std::byte{0});
  for (const double one : d50) {
    put_fixed(out, one);
  }
  out.resize(header_bytes, std::byte{0});
  return out;
}

}  // namespace tessera
