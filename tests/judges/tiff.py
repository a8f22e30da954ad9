"""What GDAL, its validator of Cloud Optimized GeoTIFFs, and tifffile find in TIFF results.

usage: /usr/bin/python3 tests/judges/tiff.py PROGRAM

Every compression is written with and without smaller levels, by one rank and by several. Pixels are compared
with the picture itself, smaller levels with means of two by two that are computed here.
"""
import itertools
import pathlib
import subprocess
import sys
import tempfile

import numpy
import tifffile
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff

gdal.UseExceptions()

LOSSLESS = ("none", "lzw", "deflate", "zstd")
LOSSY = ("jpeg", "webp")
# name: samples a pixel, type, of which the last is alpha
KINDS = {"rgb8": (3, numpy.uint8, False), "gray8": (1, numpy.uint8, False), "rgba8": (4, numpy.uint8, True),
         "rgb16": (3, numpy.uint16, False), "graya16": (2, numpy.uint16, True)}


def picture(height, width, samples, dtype, alpha):
    """Waves, so that lossy kinds come near, with noise in the lossless ones' favour left out."""
    y, x, c = numpy.mgrid[0:height, 0:width, 0:samples]
    most = numpy.iinfo(dtype).max
    image = ((numpy.sin(x / 40 + c) + numpy.cos(y / 55 - c) + 2) / 4 * most).astype(dtype)
    if alpha:
        image[..., -1] = numpy.where((x[..., 0] // 3 + y[..., 0] // 5) % 4 == 0, 0, image[..., -1])
    return image


def save(file, image, alpha):
    extra = {"extrasamples": ["unassalpha"]} if alpha else {}
    tifffile.imwrite(file, image if image.shape[2] > 1 else image[..., 0],
                     photometric="rgb" if image.shape[2] >= 3 else "minisblack", planarconfig="contig", **extra)


def half(image, alpha):
    """The mean of two by two in whole numbers, rounded half up, the last row and column doubled."""
    rows, columns = image.shape[0] % 2, image.shape[1] % 2
    padded = numpy.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge").astype(numpy.uint64)
    parts = [padded[y::2, x::2] for y, x in itertools.product((0, 1), (0, 1))]
    if not alpha:
        return ((sum(parts) + 2) // 4).astype(image.dtype)
    weight = sum(part[..., -1:] for part in parts)
    colour = sum(part[..., :-1] * part[..., -1:] for part in parts)
    mean = numpy.where(weight > 0, (colour + weight // 2) // numpy.maximum(weight, 1), 0)
    return numpy.concatenate([mean, (weight + 2) // 4], axis=2).astype(image.dtype)


def pixels(band_or_dataset):
    array = band_or_dataset.ReadAsArray()
    return array[..., None] if array.ndim == 2 else numpy.moveaxis(array, 0, -1)


def levels(dataset):
    """The picture and its smaller levels as GDAL reads them."""
    bands = [dataset.GetRasterBand(i + 1) for i in range(dataset.RasterCount)]
    result = [pixels(dataset)]
    for level in range(bands[0].GetOverviewCount()):
        result.append(numpy.stack([band.GetOverview(level).ReadAsArray() for band in bands], axis=-1))
    return result


class Judge:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.problems = []
        self.checked = 0

    def expect(self, holds, sentence):
        self.checked += 1
        if not holds:
            self.problems.append(sentence)

    def write(self, source, name, *options):
        result = self.folder / name
        subprocess.run([self.program, "convert", source, result, "--force", "--quiet", *options], check=True)
        return result

    def expect_near(self, got, wanted, lossy, where):
        if got.shape != wanted.shape:
            self.expect(False, f"{where}: {got.shape} instead of {wanted.shape}")
        elif lossy:
            difference = numpy.abs(got.astype(int) - wanted.astype(int))
            self.expect(difference.mean() < 2 and difference.max() < 32,
                        f"{where}: differs by {difference.max()}, {difference.mean()} at the mean")
        else:
            self.expect(numpy.array_equal(got, wanted), f"{where}: other pixels")

    def judge(self, kind, image, source, compression, options=()):
        samples, _, alpha = KINDS[kind]
        lossy = compression in LOSSY
        where = " ".join((kind, compression, *options))
        common = ("--compression", compression, "--quality", "95", *options) if lossy \
            else ("--compression", compression, *options)
        plain = self.write(source, "plain.tif", *common)
        self.expect_near(pixels(gdal.Open(str(plain))), image, lossy, where)
        result = self.write(source, "pyramid.tif", "--pyramid", *common)
        warnings, errors, _ = validate_cloud_optimized_geotiff.validate(str(result), full_check=True)
        self.expect(not warnings and not errors, f"{where}: not a COG: {warnings} {errors}")
        found = levels(gdal.Open(str(result)))
        wanted = [image]
        tile = int(options[options.index("--tile") + 1]) if "--tile" in options else 256
        while max(wanted[-1].shape[:2]) > tile:
            wanted.append(half(wanted[-1], alpha))
        self.expect(len(found) == len(wanted), f"{where}: {len(found)} levels instead of {len(wanted)}")
        for number, (got, expected) in enumerate(zip(found, wanted)):
            self.expect_near(got, expected, lossy, f"{where}: level {number}")
        with tifffile.TiffFile(result) as tiff:
            self.expect(len(tiff.pages) == len(wanted), f"{where}: tifffile finds {len(tiff.pages)} pages")
            self.expect(tiff.is_bigtiff == ("--bigtiff" in options), f"{where}: BigTIFF or not")
            self.expect(tiff.pages[0].tile == (tile, tile), f"{where}: tiles of {tiff.pages[0].tile}")
        together = self.write(source, "together.tif", "--pyramid", "--ranks", "3", *common)
        self.expect(together.read_bytes() == result.read_bytes(), f"{where}: other bytes from three ranks")

    def reads(self, source, expected, *options):
        """That choice of what is in the file, through a result without loss."""
        result = self.write(source, "chosen.tif", "--compression", "none", *options)
        got = tifffile.imread(result)
        self.expect(got.shape == expected.shape and (got == expected).all(), f"{source.name} {options}: other pixels")

    def pages_and_overviews(self):
        pages = [picture(300 + 10 * number, 400, 3, numpy.uint8, False) for number in range(3)]
        several = self.folder / "several.tif"
        with tifffile.TiffWriter(several) as tiff:
            for page in pages:  # each with two smaller levels of its own (SubIFDs), as OME-TIFFs have them
                tiff.write(page, photometric="rgb", tile=(64, 64), subifds=2)
                tiff.write(page[::2, ::2], photometric="rgb", tile=(64, 64), subfiletype=1)
                tiff.write(page[::4, ::4], photometric="rgb", tile=(64, 64), subfiletype=1)
        self.reads(several, pages[0])
        for number, page in enumerate(pages, 1):
            self.reads(several, page, "--page", str(number))
            self.reads(several, page[::2, ::2], "--page", str(number), "--overview", "1")
            self.reads(several, page[::4, ::4], "--page", str(number), "--overview", "2", "--ranks", "2")
        self.refuses(several, "no.png", "has 3 pages; there is no page 4", "--page", "4")
        self.refuses(several, "no.png", "has 2 overviews; there is no overview 3", "--overview", "3")
        self.refuses(several, "no.png", "1 to 1000000", "--page", "0")

        chained = self.folder / "chained.tif"  # as GDAL has them: pages of their own, marked as reduced
        tifffile.imwrite(chained, pages[2], photometric="rgb", tile=(64, 64))
        dataset = gdal.Open(str(chained), gdal.GA_Update)
        dataset.BuildOverviews("AVERAGE", [2, 4])
        dataset = None
        found = levels(gdal.Open(str(chained)))
        self.expect(len(found) == 3, f"GDAL finds {len(found)} levels of its own")
        for number, expected in enumerate(found[1:], 1):
            self.reads(chained, expected, "--overview", str(number))
        png = self.write(several, "plain.png")
        self.refuses(png, "no.png", "can be chosen of TIFFs alone", "--page", "2")

    def refuses(self, source, name, sentence, *options):
        run = subprocess.run([self.program, "convert", source, self.folder / name, "--force", *options],
                             capture_output=True, text=True)
        self.expect(run.returncode != 0 and sentence in run.stderr, f"{name} {options}: {run.stderr}")
        self.expect(not (self.folder / name).exists(), f"{name} {options}: was written")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        judge = Judge(sys.argv[1], folder)
        sources = {}
        for kind, (samples, dtype, alpha) in KINDS.items():
            image = picture(701, 533, samples, dtype, alpha)
            sources[kind] = folder / f"{kind}.tif"
            save(sources[kind], image, alpha)
            for compression in LOSSLESS:
                judge.judge(kind, image, sources[kind], compression)
            if kind in ("rgb8", "gray8"):
                judge.judge(kind, image, sources[kind], "jpeg")
            if kind in ("rgb8", "rgba8"):
                opaque = image.copy()
                if alpha:  # lossy colours below transparency are anybody's
                    opaque[..., -1] = 255
                    save(sources[kind], opaque, alpha)
                judge.judge(kind, opaque, sources[kind], "webp")
            if kind == "rgb8":
                for options in (("--level", "9"), ("--tile", "64"), ("--tile", "512"), ("--bigtiff",)):
                    judge.judge(kind, image, sources[kind], "deflate", options)
                judge.judge(kind, image, sources[kind], "zstd", ("--level", "19"))
        judge.pages_and_overviews()
        judge.refuses(sources["rgb16"], "no.tif", "holds 8-bit pictures", "--compression", "jpeg")
        judge.refuses(sources["gray8"], "no.tif", "holds 8-bit RGB", "--compression", "webp")
        judge.refuses(sources["rgb8"], "no.tif", "levels from 1 to 12", "--level", "13")
        judge.refuses(sources["rgb8"], "no.tif", "goes with", "--level", "3", "--compression", "lzw")
        judge.refuses(sources["rgb8"], "no.tif", "multiple of 16", "--tile", "100")
        judge.refuses(sources["rgb8"], "no.png", "option of TIFF", "--pyramid")
        for problem in judge.problems:
            print(problem)
        print(f"{judge.checked} checks, {len(judge.problems)} problems")
        return 1 if judge.problems or judge.checked < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
