// SPDX-License-Identifier: Apache-2.0
// Errors of the library as the exceptions of tessera/_errors.py.
#include "bindings.hpp"
#include "tessera/error.hpp"

namespace tessera::python {
namespace {

void translate(std::exception_ptr failure) {
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& error) {
    const py::object exception = py::module_::import("tessera._errors")
                                     .attr("error_of")(py::str(std::string(error_name(error.code()))),
                                                       py::str(error.what()), py::str(error.subject()));
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  }
}

}  // namespace

void bind_errors(py::module_& module) {
  py::register_local_exception_translator(&translate);
  py::list names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    names.append(std::string(error_name(static_cast<ErrorCode>(code))));
  }
  module.attr("error_codes") = py::tuple(names);
}

}  // namespace tessera::python
