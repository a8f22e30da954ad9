// SPDX-License-Identifier: Apache-2.0
#include "arrays.hpp"

#include <memory>
#include <vector>

#include "tessera/error.hpp"

namespace tessera::python {
namespace {

int samples_of(const PixelFormat& format) { return format.channels + (format.alpha ? 1 : 0); }

[[noreturn]] void refuse(const py::array& array, const std::string& what_is_wrong) {
  throw Error(ErrorCode::usage,
              what_is_wrong +
                  " Taken are arrays of uint8 or uint16 with the shape (height, width) for gray, or (height, "
                  "width, samples) with 1 sample (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGB and alpha). "
                  "This one has the dtype " +
                  std::string(py::str(array.dtype())) + " and the shape " +
                  std::string(py::str(array.attr("shape"))) + ".");
}

ImageInfo info_of(const py::array& array) {
  if (array.dtype().kind() != 'u' || (array.itemsize() != 1 && array.itemsize() != 2)) {
    refuse(array, "The samples are not of a type that images have.");
  }
  if (array.ndim() != 2 && array.ndim() != 3) {
    refuse(array, "The array has " + std::to_string(array.ndim()) + " dimensions.");
  }
  const py::ssize_t samples = array.ndim() == 3 ? array.shape(2) : 1;
  if (samples < 1 || samples > 4) {
    refuse(array, "A pixel has " + std::to_string(samples) + " samples.");
  }
  if (array.shape(0) == 0 || array.shape(1) == 0) {
    refuse(array, "The array has no pixels.");
  }
  return {{array.shape(1), array.shape(0)},
          {array.itemsize() == 1 ? Depth::u8 : Depth::u16, samples < 3 ? 1 : 3, samples % 2 == 0}};
}

/// Whether the library can work on the memory as it is: samples and pixels close together, rows in order.
bool usable_in_place(const py::array& array, const ImageInfo& info) {
  const auto sample = static_cast<py::ssize_t>(info.format.bytes_per_sample());
  const auto pixel = static_cast<py::ssize_t>(info.format.bytes_per_pixel());
  const bool close = (array.ndim() == 2 || array.shape(2) == 1 || array.strides(2) == sample) &&
                     (array.shape(1) == 1 || array.strides(1) == pixel);
  const bool ordered =
      array.shape(0) == 1 || (array.strides(0) >= info.row_bytes() && array.strides(0) % sample == 0);
  return close && ordered && array.attr("flags").attr("aligned").cast<bool>() &&
         array.dtype().attr("isnative").cast<bool>();
}

/// Keeps a Python object alive from C++, on whatever thread it is let go.
std::shared_ptr<const void> owner_of(py::object object) {
  return {object.release().ptr(), [](PyObject* kept) {
            // At the end of the interpreter there is nothing left to give the memory back to.
            if (Py_IsInitialized() != 0) {
              const py::gil_scoped_acquire gil;
              Py_DECREF(kept);
            }
          }};
}

}  // namespace

py::tuple shape_of(const ImageInfo& info) {
  const int samples = samples_of(info.format);
  return samples == 1 ? py::tuple(py::make_tuple(info.extent.height, info.extent.width))
                      : py::tuple(py::make_tuple(info.extent.height, info.extent.width, samples));
}

py::dtype dtype_of(const ImageInfo& info) {
  return info.format.depth == Depth::u8 ? py::dtype::of<std::uint8_t>() : py::dtype::of<std::uint16_t>();
}

py::array array_of(const Pixels& pixels) {
  const ImageInfo& info = pixels.info();
  std::vector<py::ssize_t> shape{info.extent.height, info.extent.width};
  std::vector<py::ssize_t> strides{pixels.row_bytes(), info.format.bytes_per_pixel()};
  if (const int samples = samples_of(info.format); samples > 1) {
    shape.push_back(samples);
    strides.push_back(info.format.bytes_per_sample());
  }
  auto kept = std::make_unique<Pixels>(pixels);
  const py::capsule owner(kept.get(), [](void* memory) { delete static_cast<Pixels*>(memory); });
  static_cast<void>(kept.release());
  return {dtype_of(info), std::move(shape), std::move(strides), pixels.data(), owner};
}

Pixels pixels_of(const py::array& array) {
  const ImageInfo info = info_of(array);
  py::array usable = array;
  if (!usable_in_place(array, info)) {
    usable = py::module_::import("numpy").attr("ascontiguousarray")(array, dtype_of(info));
  }
  // The library reads these pixels and never writes to them; it has one type for both.
  auto* const data = static_cast<std::byte*>(const_cast<void*>(usable.data()));
  const std::int64_t row_bytes = info.extent.height == 1 ? info.row_bytes() : usable.strides(0);
  return {info, data, row_bytes, owner_of(std::move(usable))};
}

}  // namespace tessera::python
