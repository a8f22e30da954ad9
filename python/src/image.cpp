// SPDX-License-Identifier: Apache-2.0
#include "tessera/image.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <cstring>
#include <optional>

#include "arrays.hpp"
#include "bindings.hpp"
#include "run.hpp"

namespace tessera::python {
namespace {

using Limits = std::map<std::string, std::int64_t>;

std::vector<std::byte> bytes_of(const py::buffer& data) {
  Py_buffer view{};
  if (PyObject_GetBuffer(data.ptr(), &view, PyBUF_C_CONTIGUOUS) != 0) {
    throw py::error_already_set();
  }
  const auto* const begin = static_cast<const std::byte*>(view.buf);
  std::vector<std::byte> bytes(begin, begin + view.len);
  PyBuffer_Release(&view);
  return bytes;
}

Image from_bytes(const py::buffer& data, const std::string& name, bool salvage, const Limits& limits) {
  std::vector<std::byte> bytes = bytes_of(data);
  const py::gil_scoped_release no_gil;
  return Image::from_bytes(std::move(bytes), {salvage, limits}, name);
}

Image from_array(const py::array& array, const Limits& limits) {
  const Pixels pixels = pixels_of(array);
  const py::gil_scoped_release no_gil;
  return Image::from_pixels(pixels, {false, limits});
}

/// None on ranks that have no pixels.
py::object whole(const Image& image, const CallOptions& options) {
  Pixels pixels;
  run(options, [&](const RunSettings& settings) { pixels = image.pixels(settings); });
  return pixels.data() == nullptr ? py::object(py::none()) : py::object(array_of(pixels));
}

py::array part(const Image& image, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  Pixels pixels;
  run({}, [&](const RunSettings& settings) { pixels = image.pixels(Rect{x, y, width, height}, settings); });
  return array_of(pixels);
}

Report save(const Image& image, const std::filesystem::path& file, const SaveOptions& how,
            const CallOptions& options) {
  Report report;
  run(options, [&](const RunSettings& settings) { report = image.save(file, how, settings); });
  return report;
}

/// The bytes, None on ranks that have none, and the report.
py::tuple encode(const Image& image, const SaveOptions& how, const CallOptions& options) {
  Report report;
  std::vector<std::byte> bytes;
  run(options, [&](const RunSettings& settings) { bytes = image.encode(how, settings, &report); });
  if (bytes.empty()) {
    return py::make_tuple(py::none(), report);
  }
  return py::make_tuple(py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size()), report);
}

Report find(const Image& image, const CallOptions& options) {
  Report report;
  run(options, [&](const RunSettings& settings) { report = image.find(settings); });
  return report;
}

void bind_options(py::module_& module) {
  py::class_<CallOptions>(module, "CallOptions")
      .def(py::init([](int threads, py::object progress, std::uintptr_t address, std::size_t bytes) {
             return CallOptions{threads, std::move(progress), address, bytes};
           }),
           py::arg("threads"), py::arg("progress"), py::arg("communicator_address"),
           py::arg("communicator_bytes"));
  py::class_<SaveOptions>(module, "SaveOptions")
      .def(py::init<>())
      .def_readwrite("format", &SaveOptions::format)
      .def_readwrite("quality", &SaveOptions::quality)
      .def_readwrite("strip", &SaveOptions::strip)
      .def_readwrite("compression", &SaveOptions::compression)
      .def_readwrite("level", &SaveOptions::level)
      .def_readwrite("tile", &SaveOptions::tile)
      .def_readwrite("bigtiff", &SaveOptions::bigtiff)
      .def_readwrite("pyramid", &SaveOptions::pyramid);
}

}  // namespace

void bind_image(py::module_& module) {
  bind_options(module);
  py::class_<Image>(module, "Image")
      .def_static(
          "open",
          [](const std::filesystem::path& file, bool salvage, const Limits& limits, int page, int overview) {
            return Image::open(file, {salvage, limits, page, overview});
          },
          py::arg("file"), py::arg("salvage"), py::arg("limits"), py::arg("page"), py::arg("overview"),
          py::call_guard<py::gil_scoped_release>())
      .def_static("from_bytes", &from_bytes, py::arg("data"), py::arg("name"), py::arg("salvage"),
                  py::arg("limits"))
      .def_static("from_array", &from_array, py::arg("array"), py::arg("limits"))
      .def_property_readonly("info", [](const Image& self) { return self.info(); })
      .def_property_readonly("pipeline", [](const Image& self) { return self.pipeline(); })
      // It may read files: a watermark's image.
      .def(
          "apply", [](const Image& self, const Pipeline& pipeline) { return self.apply(pipeline); },
          py::arg("pipeline"), py::call_guard<py::gil_scoped_release>())
      .def("pixels", &whole, py::arg("options"))
      .def("part", &part, py::arg("x"), py::arg("y"), py::arg("width"), py::arg("height"))
      .def("save", &save, py::arg("file"), py::arg("how"), py::arg("options"))
      .def("encode", &encode, py::arg("how"), py::arg("options"))
      .def("find", &find, py::arg("options"));
}

}  // namespace tessera::python
