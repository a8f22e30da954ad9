// SPDX-License-Identifier: Apache-2.0
#include "tessera/pipeline.hpp"

#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include "bindings.hpp"

namespace tessera::python {
namespace {

constexpr const char* pipeline_doc =
    "Operators, one after the other: Pipeline(\"median size=5 | otsu\"), or the same as JSON.\n\n"
    "Pipelines are values: they are joined by |, compare equal when their texts are equal, and can be "
    "pickled.\nRaises UsageError, UnknownOperatorError or BadParameterError, with the position in the text.";

}  // namespace

void bind_pipeline(py::module_& module) {
  py::class_<Pipeline> pipeline(module, "Pipeline", pipeline_doc);
  pipeline.def(py::init<>(), "No operators: the image stays as it is.")
      .def(py::init([](const std::string& text) {
             // The library takes empty text for a mistake; str() of no operators is empty.
             return text.empty() ? Pipeline() : Pipeline(text);
           }),
           py::arg("text"), "Parses text, or JSON if it begins with '{' or '['.")
      .def("json", &Pipeline::json, "The same pipeline as JSON, with the versions of its operators.")
      .def_property_readonly("operators", &Pipeline::operators, "The names of its operators.")
      .def("__or__", &Pipeline::then, py::arg("next"), py::is_operator())
      .def(
          "__or__", [](const Pipeline& first, const std::string& next) { return first.then(Pipeline(next)); },
          py::arg("next"), py::is_operator())
      .def(
          "__ror__",
          [](const Pipeline& next, const std::string& first) { return Pipeline(first).then(next); },
          py::arg("first"), py::is_operator())
      .def(
          "__eq__", [](const Pipeline& a, const Pipeline& b) { return a.text() == b.text(); },
          py::arg("other"), py::is_operator())
      .def("__hash__", [](const Pipeline& self) { return py::hash(py::str(self.text())); })
      .def("__len__", [](const Pipeline& self) { return self.operators().size(); })
      .def("__str__", &Pipeline::text)
      .def("__repr__",
           [](const Pipeline& self) {
             return "tessera.Pipeline(" + std::string(py::repr(py::str(self.text()))) + ")";
           })
      .def(py::pickle([](const Pipeline& self) { return py::str(self.text()); },
                      [](const py::str& text) {
                        return text.equal(py::str("")) ? Pipeline() : Pipeline(std::string(text));
                      }));
  pipeline.attr("__module__") = "tessera";
  module.def("operators_json", &operators_json,
             "All operators with their parameters, types, ranges and descriptions, as JSON Schema.");
}

}  // namespace tessera::python
