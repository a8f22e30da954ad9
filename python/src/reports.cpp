// SPDX-License-Identifier: Apache-2.0
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "arrays.hpp"
#include "bindings.hpp"
#include "tessera/report.hpp"

namespace tessera::python {
namespace {

std::string text_of(const ImageInfo& info) {
  return std::to_string(info.extent.width) + "x" + std::to_string(info.extent.height) + " " +
         info.format.describe();
}

py::array values_of(const Findings& findings) {
  py::array_t<double> values({findings.rows(), static_cast<std::int64_t>(findings.columns.size())});
  std::ranges::copy(findings.values, values.mutable_data());
  return values;
}

void bind_info(py::module_& module) {
  py::class_<ImageInfo> info(module, "ImageInfo", "Size and pixel format of an image.");
  info.def_property_readonly("width", [](const ImageInfo& self) { return self.extent.width; })
      .def_property_readonly("height", [](const ImageInfo& self) { return self.extent.height; })
      .def_property_readonly(
          "channels", [](const ImageInfo& self) { return self.format.channels; },
          "Colour channels: 1 (gray) or 3 (RGB); alpha is not counted.")
      .def_property_readonly("alpha", [](const ImageInfo& self) { return self.format.alpha; })
      .def_property_readonly("shape", &shape_of, "As numpy arrays have it; (height, width) if it is gray.")
      .def_property_readonly("dtype", &dtype_of, "numpy.uint8 or numpy.uint16.")
      .def(
          "__eq__", [](const ImageInfo& a, const ImageInfo& b) { return a == b; }, py::is_operator())
      .def("__hash__", [](const ImageInfo& self) { return py::hash(py::str(text_of(self))); })
      .def("__repr__", [](const ImageInfo& self) { return "<tessera.ImageInfo " + text_of(self) + ">"; });
  info.attr("__module__") = "tessera";
}

void bind_findings(py::module_& module) {
  py::class_<Findings> findings(module, "Findings", "What an operator found: lines, corners, regions.");
  findings.def_readonly("operator", &Findings::operator_name)
      .def_readonly("columns", &Findings::columns, "What the columns of `values` are.")
      .def_property_readonly("values", &values_of, "An array of float64: a row for each thing found.")
      .def("__len__", &Findings::rows)
      .def(
          "__eq__", [](const Findings& a, const Findings& b) { return a == b; }, py::is_operator())
      .def("__repr__", [](const Findings& self) {
        return "<tessera.Findings of " + self.operator_name + ": " + std::to_string(self.rows()) + " rows>";
      });
  findings.attr("__hash__") = py::none();
  findings.attr("__module__") = "tessera";
}

}  // namespace

void bind_reports(py::module_& module) {
  bind_info(module);
  bind_findings(module);

  py::class_<Progress> progress(module, "Progress", "How far a run is.");
  progress.def_readonly("stage", &Progress::stage, "From 0.")
      .def_readonly("stages", &Progress::stages)
      .def_readonly("fraction", &Progress::fraction, "Of the whole run, 0 to 1, never falling.")
      .def("__float__", [](const Progress& self) { return self.fraction; })
      .def("__repr__", [](const Progress& self) {
        return "<tessera.Progress " + std::to_string(self.fraction) + ", stage " +
               std::to_string(self.stage + 1) + " of " + std::to_string(self.stages) + ">";
      });
  progress.attr("__module__") = "tessera";

  py::class_<Report> report(module, "Report", "What a run says of itself.");
  report.def_readonly("input", &Report::input)
      .def_readonly("output", &Report::output)
      .def_readonly("output_bytes", &Report::output_bytes, "Of an encoded result; 0 for pixels.")
      .def_readonly("seconds", &Report::seconds)
      .def_readonly("findings", &Report::findings, "In the order of the pipeline.")
      .def_readonly("warnings", &Report::warnings,
                    "What was dropped, converted or not understood, a sentence each.")
      .def("__repr__", [](const Report& self) {
        return "<tessera.Report " + text_of(self.output) + ", " + std::to_string(self.output_bytes) +
               " bytes, " + std::to_string(self.warnings.size()) + " warnings>";
      });
  report.attr("__module__") = "tessera";
}

}  // namespace tessera::python
