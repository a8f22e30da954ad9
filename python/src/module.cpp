// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "tessera/version.hpp"

PYBIND11_MODULE(_tessera, module) {
  module.doc() = "The C++ library of Tessera; use it through the package tessera.";
  module.attr("__version__") = TESSERA_VERSION_STRING;
  tessera::python::bind_errors(module);
  tessera::python::bind_pipeline(module);
  tessera::python::bind_reports(module);
  tessera::python::bind_image(module);
}
