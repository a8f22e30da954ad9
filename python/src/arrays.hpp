// SPDX-License-Identifier: Apache-2.0
// Pixels as numpy arrays, and numpy arrays as pixels.
#pragma once

#include <pybind11/numpy.h>

#include "tessera/pixels.hpp"

namespace tessera::python {

namespace py = pybind11;

/// (height, width), with a third number where a pixel has more samples than one.
[[nodiscard]] py::tuple shape_of(const ImageInfo& info);
[[nodiscard]] py::dtype dtype_of(const ImageInfo& info);

/// An array on the memory of `pixels`, which it keeps alive.
[[nodiscard]] py::array array_of(const Pixels& pixels);

/// The samples of an array without a copy where its rows are contiguous; the array lives as long as they are
/// used. Throws Error(usage) for what is not a picture.
[[nodiscard]] Pixels pixels_of(const py::array& array);

}  // namespace tessera::python
