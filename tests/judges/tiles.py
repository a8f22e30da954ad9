"""What zarr-python, GDAL and libvips find in results that are folders of tiles: OME-Zarr and Deep Zoom.

usage: /usr/bin/python3 tests/judges/tiles.py PROGRAM

Pixels of the picture are compared with the picture itself, smaller levels with means of two by two that are computed
here and with the levels of a TIFF; metadata with the rules of NGFF 0.4, written out here; the grid of Deep Zoom with
what 'vips dzsave' makes of the same picture.
"""
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import numpy
import tifffile
import zarr
from osgeo import gdal
from PIL import Image

import tiff

TILE = 256


def tree(folder):
    """Names and content of all files, hidden ones too."""
    if folder.is_file():
        return folder.read_bytes()
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def wanted_levels(image, alpha, smallest):
    levels = [image]
    while max(levels[-1].shape[:2]) > smallest:
        levels.append(tiff.half(levels[-1], alpha))
    return levels


class TileJudge(tiff.Judge):
    def runs(self, source, name, *options):
        """The result, which ranks and threads must not change."""
        result = self.write(source, name, *options)
        other = self.folder / "other"
        other.mkdir(exist_ok=True)
        for ranks, threads in ((2, 1), (4, 2)) if "--compression" not in options else ((3, 2),):
            self.write(source, f"other/{name}", *options, "--ranks", str(ranks), "--threads", str(threads))
            stem = pathlib.Path(name).stem
            for part in (name, f"{stem}_files"):
                self.expect(tree(other / part) == tree(self.folder / part),
                            f"{name} {options}: other files from {ranks} ranks")
        return result

    def expect_level(self, got, wanted, lossy, where):
        """Levels of JPEG are made from the tiles above them as they are stored, so that what was lost adds up."""
        if lossy and got.shape == wanted.shape:
            difference = numpy.abs(got.astype(int) - wanted.astype(int))
            self.expect(difference.mean() < 4 and difference.max() < 40,
                        f"{where}: differs by {difference.max()}, {difference.mean()} at the mean")
        else:
            self.expect_near(got, wanted, lossy, where)

    # OME-Zarr

    def ngff(self, group, levels, channels, unit, where):
        """The rules of https://ngff.openmicroscopy.org/0.4/ for "multiscales" and "omero"."""
        multiscales = group.attrs["multiscales"]
        self.expect(isinstance(multiscales, list) and len(multiscales) == 1, f"{where}: multiscales is no list of one")
        scale = multiscales[0]
        self.expect(scale["version"] == "0.4" and isinstance(scale["name"], str), f"{where}: version or name")
        axes = scale["axes"]
        self.expect(2 <= len(axes) <= 5 and len({axis["name"] for axis in axes}) == len(axes), f"{where}: axes")
        spaces = [axis["name"] for axis in axes if axis.get("type") == "space"]
        self.expect([axis["name"] for axis in axes] == ["c", "y", "x"] and axes[0]["type"] == "channel"
                    and spaces == ["y", "x"], f"{where}: order or types of axes")
        self.expect(all(axis.get("unit") == unit for axis in axes[1:]), f"{where}: units of {axes}")
        self.expect([dataset["path"] for dataset in scale["datasets"]] == [str(i) for i in range(levels)],
                    f"{where}: datasets")
        for number, dataset in enumerate(scale["datasets"]):
            steps = dataset["coordinateTransformations"]
            self.expect([step["type"] for step in steps] in (["scale"], ["scale", "translation"]),
                        f"{where}: transformations of level {number}")
            self.expect(all(len(step[step["type"]]) == len(axes) for step in steps), f"{where}: their length")
            first = scale["datasets"][0]["coordinateTransformations"]
            for axis in (1, 2):
                # Pixels of a level lie in the middle of those that they are made of.
                size = first[0]["scale"][axis]
                self.expect(steps[0]["scale"][axis] == size * 2 ** number, f"{where}: scale of level {number}")
                self.expect(steps[1]["translation"][axis] == size * (2 ** number - 1) / 2,
                            f"{where}: translation of level {number}")
            self.expect(group[dataset["path"]].ndim == len(axes), f"{where}: dimensions of level {number}")
        omero = group.attrs["omero"]
        self.expect(len(omero["channels"]) == channels, f"{where}: channels")
        for channel in omero["channels"]:
            window = channel["window"]
            self.expect(len(channel["color"]) == 6 and int(channel["color"], 16) >= 0, f"{where}: colour")
            self.expect({"min", "max", "start", "end"} <= set(window) and window["end"] > window["start"],
                        f"{where}: window")
        return first

    def zarr(self, kind, image, source, options=()):
        _, dtype, alpha = tiff.KINDS[kind]
        where = " ".join((kind, "zarr", *options))
        tile = int(options[options.index("--tile") + 1]) if "--tile" in options else TILE
        result = self.runs(source, "result.zarr", *options)
        self.expect((result / ".zgroup").read_text() == '{\n  "zarr_format": 2\n}\n', f"{where}: .zgroup")
        group = zarr.open_group(str(result), mode="r")
        wanted = wanted_levels(image, alpha, tile)
        self.ngff(group, len(wanted), image.shape[2], None, where)
        by_gdal = gdal.OpenEx(str(result), gdal.OF_MULTIDIM_RASTER).GetRootGroup()
        for number, expected in enumerate(wanted):
            array = group[str(number)]
            self.expect(array.chunks == (1, tile, tile) and array.dtype == numpy.dtype(dtype).newbyteorder("<"),
                        f"{where}: chunks {array.chunks} of {array.dtype}")
            planes = numpy.moveaxis(expected, -1, 0)
            self.expect(numpy.array_equal(array[...], planes), f"{where}: level {number} in zarr-python")
            chunks = [file for file in (result / str(number)).rglob("[0-9]*") if file.is_file()]
            self.expect(len(chunks) == array.nchunks, f"{where}: {len(chunks)} chunks of {array.nchunks}")
            read = by_gdal.OpenMDArray(str(number)).ReadAsArray()
            self.expect(numpy.array_equal(read, planes), f"{where}: level {number} in GDAL")
        return result

    def levels_of_tiff(self, source, result):
        found = tiff.levels(gdal.Open(str(self.write(source, "levels.tif", "--pyramid"))))
        group = zarr.open_group(str(result), mode="r")
        self.expect(len(found) == len(list(group.array_keys())), "as many levels as the TIFF's")
        for number, level in enumerate(found):
            self.expect(numpy.array_equal(numpy.moveaxis(group[str(number)][...], 0, -1), level),
                        f"level {number} is not the TIFF's")

    def units(self, image):
        for unit, (x, y), micrometres in (("CENTIMETER", (40000, 20000), (0.5, 0.25)), ("INCH", (254, 127), (200, 100))):
            source = self.folder / "resolution.tif"
            tifffile.imwrite(source, image, photometric="rgb", resolution=(x, y), resolutionunit=unit)
            group = zarr.open_group(str(self.write(source, "units.zarr")), mode="r")
            first = self.ngff(group, 3, 3, "micrometer", unit)
            self.expect(numpy.allclose(first[0]["scale"], (1, *micrometres)), f"{unit}: {first[0]}")

    # Deep Zoom

    def tiles(self, folder, extent, suffix):
        """The tiles of a level put together."""
        height, width = extent
        rows = []
        for row in range(-(-height // TILE)):
            rows.append(numpy.concatenate([tiff.pixels(gdal.Open(str(folder / f"{column}_{row}.{suffix}")))
                                           for column in range(-(-width // TILE))], axis=1))
        return numpy.concatenate(rows, axis=0)

    def deep_zoom(self, kind, image, source, compression):
        samples, _, alpha = tiff.KINDS[kind]
        lossy = compression == "jpeg"
        suffix = "jpg" if lossy else "png"
        where = f"{kind} Deep Zoom {compression}"
        result = self.runs(source, "result.dzi", "--compression", compression, "--quality", "95")
        files = self.folder / "result_files"
        subprocess.run(["vips", "dzsave", source, self.folder / "vips", "--tile-size", str(TILE), "--overlap", "0",
                        "--depth", "onepixel", "--suffix", f".{suffix}"], check=True)
        theirs = self.folder / "vips_files"
        names = sorted(str(file.relative_to(files)) for file in files.rglob("*") if file.is_file())
        wanted = sorted(str(file.relative_to(theirs)) for file in theirs.rglob("*") if file.is_file()
                        and file.suffix == f".{suffix}")
        self.expect(names == wanted, f"{where}: other tiles than libvips has")
        ours = xml.etree.ElementTree.parse(result).getroot()
        other = xml.etree.ElementTree.parse(self.folder / "vips.dzi").getroot()
        self.expect(ours.tag == other.tag and ours.attrib == other.attrib, f"{where}: {ours.attrib} {other.attrib}")
        self.expect(ours[0].tag == other[0].tag and ours[0].attrib == other[0].attrib, f"{where}: {ours[0].attrib}")
        levels = wanted_levels(image, alpha, 1)
        for number, level in enumerate(levels):
            folder = files / str(len(levels) - 1 - number)
            got = self.tiles(folder, level.shape[:2], suffix)
            self.expect_level(got, level, lossy, f"{where}: level {number}")
        if not lossy:
            full = str(len(levels) - 1)
            self.expect(numpy.array_equal(self.tiles(files / full, image.shape[:2], suffix),
                                          self.tiles(theirs / full, image.shape[:2], suffix)), f"{where}: not libvips'")
        subprocess.run(["rm", "-r", theirs], check=True)

    def jpeg_of_rich_pictures(self, image, source):
        """Alpha shows white, 16 bits become 8, as in a single JPEG; smaller levels follow."""
        self.write(source, "rich.dzi", "--quality", "95")
        flat = tiff.pixels(gdal.Open(str(self.write(source, "rich.jpg", "--quality", "95"))))
        levels = wanted_levels(flat, False, 1)
        for number, level in enumerate(levels):
            got = self.tiles(self.folder / "rich_files" / str(len(levels) - 1 - number), level.shape[:2], "jpg")
            self.expect_level(got, level, True, f"JPEG of {source.name}: level {number}")

    def profiles(self, image):
        """Each tile has the profile; one that is not sRGB cannot be in OME-Zarr, which is said."""
        data = pathlib.Path(__file__).parents[1] / "data/metadata"
        profile = Image.open(data / "rgb_icc.png").info["icc_profile"]
        source = self.folder / "profile.png"
        Image.fromarray(image).save(source, icc_profile=profile)
        for compression, suffix in (("jpeg", "jpg"), ("deflate", "png")):
            for ranks in ("1", "3"):
                self.write(source, "profile.dzi", "--compression", compression, "--ranks", ranks)
                for tile in (self.folder / "profile_files").rglob(f"*.{suffix}"):
                    self.expect(Image.open(tile).info.get("icc_profile") == profile, f"{tile}: no profile")
        # Of sRGB nothing is lost; with two primaries in each other's place it is another.
        other = profile.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
        for name, content, is_said in (("srgb", profile, False), ("other", other, True)):
            source = self.folder / f"{name}.png"
            Image.fromarray(image).save(source, icc_profile=content)
            run = subprocess.run([self.program, "convert", source, self.folder / f"{name}.zarr"], capture_output=True,
                                 text=True, check=True)
            said = "profile was left out: OME-Zarr cannot hold it" in run.stdout + run.stderr
            self.expect(said == is_said, f"OME-Zarr of a picture with the profile {name}: {run.stdout}{run.stderr}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        judge = TileJudge(sys.argv[1], folder)
        images, sources = {}, {}
        for kind, (samples, dtype, alpha) in tiff.KINDS.items():
            images[kind] = tiff.picture(701, 533, samples, dtype, alpha)
            sources[kind] = folder / f"{kind}.tif"
            tiff.save(sources[kind], images[kind], alpha)
            result = judge.zarr(kind, images[kind], sources[kind])
            judge.levels_of_tiff(sources[kind], result)
            for compression in ("deflate", "none"):
                judge.zarr(kind, images[kind], sources[kind], ("--compression", compression))
            judge.deep_zoom(kind, images[kind], sources[kind], "deflate")
        noise = numpy.random.default_rng(1).integers(0, 65536, (90, 130, 3)).astype(numpy.uint16)
        tiff.save(folder / "noise.tif", noise, False)
        judge.zarr("rgb16", noise, folder / "noise.tif", ("--tile", "64", "--level", "19"))
        judge.deep_zoom("rgb8", images["rgb8"], sources["rgb8"], "jpeg")
        judge.deep_zoom("gray8", images["gray8"], sources["gray8"], "jpeg")
        judge.jpeg_of_rich_pictures(images["rgba8"], sources["rgba8"])
        judge.jpeg_of_rich_pictures(images["rgb16"], sources["rgb16"])
        judge.units(images["rgb8"])
        judge.profiles(images["rgb8"])
        pixel = folder / "pixel.tif"
        tiff.save(pixel, images["rgb8"][:1, :1], False)
        judge.deep_zoom("rgb8", images["rgb8"][:1, :1], pixel, "deflate")
        judge.zarr("rgb8", images["rgb8"][:1, :1], pixel)
        for problem in judge.problems:
            print(problem)
        print(f"{judge.checked} checks, {len(judge.problems)} problems")
        return 1 if judge.problems or judge.checked < 300 else 0


if __name__ == "__main__":
    sys.exit(main())
