"""Images: opened, put through pipelines, and written or read as pixels."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union

import numpy

from tessera import _index, _tessera
from tessera._errors import UsageError
from tessera._tessera import Findings, ImageInfo, Pipeline, Progress, Report

#: The longer side of what a notebook shows.
_THUMBNAIL_PX = 512

OnProgress = Callable[[Progress], object]
Array = numpy.ndarray[Any, Any]
StrPath = Union[str, "os.PathLike[str]"]


def _pipeline_of(pipeline: str | Pipeline) -> Pipeline:
    return pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)


def _call_options(threads: int, progress: OnProgress | None, communicator: Any) -> _tessera.CallOptions:
    if progress is not None and not callable(progress):
        raise UsageError(f"'progress' must be None or a function of one argument, not {type(progress).__name__}.")
    address = size_bytes = 0
    if communicator is not None:
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise UsageError("A communicator is one of mpi4py's, which is not installed.") from error
        if not isinstance(communicator, MPI.Comm):
            raise UsageError("'communicator' must be None or a communicator of mpi4py such as MPI.COMM_WORLD, not "
                             f"{type(communicator).__name__}.")
        address, size_bytes = MPI._addressof(communicator), MPI._sizeof(communicator)
    return _tessera.CallOptions(threads, progress, address, size_bytes)


def _save_options(**given: Any) -> _tessera.SaveOptions:
    options = _tessera.SaveOptions()
    for name, value in given.items():
        if value is not None:
            setattr(options, name, value)
    return options


class Image:
    """An image that is opened, with the operators that will be applied to it.

    Nothing is computed before pixels are asked for or the result is saved. A value: `apply` makes another image. Different
    threads may use the same image at once. Made by tessera.open, tessera.from_bytes and tessera.from_array.
    """

    __slots__ = ("_core",)
    _core: _tessera.Image

    def __init__(self) -> None:
        raise TypeError("Images are made by tessera.open, tessera.from_bytes and tessera.from_array.")

    @classmethod
    def _of(cls, core: _tessera.Image) -> Image:
        image = cls.__new__(cls)
        image._core = core
        return image

    @property
    def info(self) -> ImageInfo:
        """Size and pixel format of the result."""
        return self._core.info

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) of a gray image, else (height, width, samples)."""
        return self._core.info.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """numpy.uint8 or numpy.uint16."""
        return self._core.info.dtype

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return self._core.info.width

    @property
    def height(self) -> int:
        """Rows."""
        return self._core.info.height

    @property
    def ndim(self) -> int:
        """2 for a gray image, else 3."""
        return len(self.shape)

    @property
    def pipeline(self) -> Pipeline:
        """The operators that will be applied."""
        return self._core.pipeline

    def apply(self, pipeline: str | Pipeline) -> Image:
        """This image with more operators. Raises Error if they do not suit the image."""
        return Image._of(self._core.apply(_pipeline_of(pipeline)))

    def numpy(self, *, threads: int = 0, progress: OnProgress | None = None, communicator: Any = None) -> Any:
        """The pixels of the result as a new array; on ranks other than 0, None.

        `threads`: 0 for as many as this process may use. `progress` is called with a Progress; an exception in it ends the
        work and is raised here. `communicator`: of mpi4py; all its ranks must make this call.
        """
        return self._core.pixels(_call_options(threads, progress, communicator))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("The pixels of an image are computed: there is no array of them that could be shared.")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __getitem__(self, index: Any) -> Any:
        """Pixels as numpy's indices name them, as a new array. Only the rectangle that holds them is computed."""
        info = self._core.info
        rows, columns, rest = _index.resolve(index, info.shape)
        if rows and columns:
            part = self._core.part(columns.start, rows.start, len(columns), len(rows))
        else:
            part = numpy.empty((len(rows), len(columns), *info.shape[2:]), info.dtype)
        return part[rest]

    def __len__(self) -> int:
        return self.height

    def __iter__(self) -> Iterator[Any]:
        return iter(self.numpy())

    def save(
        self,
        path: StrPath,
        *,
        format: str | None = None,
        quality: int | None = None,
        strip: str | None = None,
        compression: str | None = None,
        level: int | None = None,
        tile: int | None = None,
        bigtiff: bool = False,
        pyramid: bool = False,
        threads: int = 0,
        progress: OnProgress | None = None,
        communicator: Any = None,
    ) -> Report:
        """Writes the result to a file, which appears whole or not at all.

        `format`: "png", "jpg", "tif" or "webp"; without it, by the file's name. `quality`: of JPEG and WebP, 1 to 100.
        `strip` leaves metadata out: "all" or "location". Of TIFF alone: `compression` ("none", "lzw", "deflate", "zstd",
        "jpeg" or "webp"), `level` (of deflate and zstd), `tile` (side in pixels), `bigtiff`, and `pyramid`: smaller levels
        too, as a Cloud Optimized GeoTIFF. The rest is as for numpy().
        """
        how = _save_options(format=format, quality=quality, strip=strip, compression=compression, level=level, tile=tile,
                            bigtiff=bigtiff, pyramid=pyramid)
        return self._core.save(os.fspath(path), how, _call_options(threads, progress, communicator))

    write = save

    def encode(
        self,
        format: str = "png",
        *,
        quality: int | None = None,
        strip: str | None = None,
        compression: str | None = None,
        level: int | None = None,
        tile: int | None = None,
        bigtiff: bool = False,
        pyramid: bool = False,
        threads: int = 0,
        progress: OnProgress | None = None,
        communicator: Any = None,
    ) -> Any:
        """The bytes that save() would write; on ranks other than 0, None."""
        how = _save_options(format=format, quality=quality, strip=strip, compression=compression, level=level, tile=tile,
                            bigtiff=bigtiff, pyramid=pyramid)
        return self._core.encode(how, _call_options(threads, progress, communicator))[0]

    def find(self, *, threads: int = 0, progress: OnProgress | None = None,
             communicator: Any = None) -> list[Findings]:
        """What the operators find (lines, corners, regions), without making a picture."""
        return self._core.find(_call_options(threads, progress, communicator)).findings

    def _repr_png_(self) -> bytes:
        image = self
        if max(self.width, self.height) > _THUMBNAIL_PX:
            longer_side = "width" if self.width > self.height else "height"
            image = self.apply(f"resize {longer_side}={_THUMBNAIL_PX}")
        return image.encode("png", strip="all")

    def __repr__(self) -> str:
        info = self._core.info
        pipeline = str(self.pipeline)
        operators = f", {pipeline}" if pipeline else ""
        samples = ("" if info.channels == 1 else "RGB") + ("+alpha" if info.alpha else "")
        return f"<tessera.Image {info.width}x{info.height} {samples or 'gray'} {info.dtype}{operators}>"


def open(path: StrPath, *, salvage: bool = False, limits: Mapping[str, int] | None = None, page: int = 0,
         overview: int = 0) -> Image:
    """Opens an image by reading its header; "-" is standard input, and "s3://...", "gs://..." and "https://..." are objects.

    `salvage`: of a damaged image, what can be read is used, and the report's warnings say what is missing. `limits`: by the
    names of the command's options, {"max-pixels": 500_000_000}; 'tessera apply --help' lists them. The file must not
    change while the image is used. `page`: of a TIFF with several, from 1. `overview`: of a TIFF with smaller levels, 1 for
    the largest of them.
    """
    return Image._of(_tessera.Image.open(os.fspath(path), salvage, dict(limits or {}), page, overview))


def from_bytes(data: Any, *, name: str = "the input", salvage: bool = False,
               limits: Mapping[str, int] | None = None) -> Image:
    """Opens an encoded image in memory: bytes, or what has a buffer of them. Errors call it `name`."""
    return Image._of(_tessera.Image.from_bytes(data, name, salvage, dict(limits or {})))


def from_array(array: Any, *, limits: Mapping[str, int] | None = None) -> Image:
    """An image of the pixels of an array of uint8 or uint16.

    The shape is (height, width) for gray, or (height, width, samples) with 1 sample (gray), 2 (gray and alpha), 3 (RGB) or
    4 (RGB and alpha). Without alpha, nothing is copied if the pixels of a row lie side by side; the array is kept alive,
    and must not change, while the image is used. Raises UsageError for other arrays.
    """
    return Image._of(_tessera.Image.from_array(numpy.asarray(array), dict(limits or {})))
