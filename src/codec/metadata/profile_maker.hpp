// SPDX-License-Identifier: Apache-2.0
// Writes ICC profiles of version 4 with a few tags.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/metadata/color_matrix.hpp"
#include "codec/metadata/icc.hpp"

namespace tessera {

class ProfileMaker {
 public:
  explicit ProfileMaker(ProfileSpace space) : space_(space) {}

  void add(const std::string& name, Bytes content);
  void add_xyz(const std::string& name, const Vector3& value);
  void add_matrix(const std::string& name, const Matrix3& matrix);
  void add_text(const std::string& name, std::string_view ascii);

  /// A parametric curve ("para"): its function and parameters.
  static Bytes parametric(unsigned kind, std::initializer_list<double> parameters);

  /// With white, description and copyright. The same tags give the same bytes.
  [[nodiscard]] Bytes make();

 private:
  [[nodiscard]] Bytes header(std::size_t bytes) const;

  ProfileSpace space_;
  std::vector<std::pair<std::string, Bytes>> tags_;
};

}  // namespace tessera
