// SPDX-License-Identifier: Apache-2.0
// The module tessera._tessera: the C++ library for the Python package, which adds what is easier in Python.
#pragma once

#include <pybind11/pybind11.h>

namespace tessera::python {

namespace py = pybind11;

void bind_errors(py::module_& module);
void bind_pipeline(py::module_& module);
void bind_reports(py::module_& module);
void bind_image(py::module_& module);

}  // namespace tessera::python
