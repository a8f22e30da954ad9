"""Images from files and bytes, held against the command's bytes."""
import io
import os

import numpy
import PIL.Image
import pytest

import tessera

PIPELINES = ["median size=5 | otsu", "resize width=300 | unsharp-mask", "canny low=40 high=120", "rotate angle=7"]


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("name", ["result.png", "result.jpg", "result.tif", "result.webp"])
def test_saves_the_bytes_of_the_command(pipeline, name, photo, tmp_path, command):
    report = tessera.open(photo).apply(pipeline).save(tmp_path / name, threads=3)
    expected = command(pipeline, photo, name)
    assert (tmp_path / name).read_bytes() == expected
    assert report.output_bytes == len(expected)
    assert report.seconds > 0
    assert report.input.shape == (512, 768, 3)


def test_saves_with_the_options_of_the_command(photo, tmp_path, command):
    image = tessera.open(photo).apply("sharpen")
    image.write(tmp_path / "picture", format="jpg", quality=35, strip="all")
    assert (tmp_path / "picture").read_bytes() == command("sharpen", photo, "a.jpg", "--quality", "35", "--strip", "all")
    assert image.encode("jpg", quality=35, strip="all") == (tmp_path / "picture").read_bytes()


def test_saves_tiff_as_the_command_does(photo, tmp_path, command):
    image = tessera.open(photo).apply("invert")
    image.save(tmp_path / "levels.tif", compression="zstd", level=5, tile=128, bigtiff=True, pyramid=True)
    assert (tmp_path / "levels.tif").read_bytes() == command(
        "invert", photo, "a.tif", "--compression", "zstd", "--level", "5", "--tile", "128", "--bigtiff", "--pyramid")
    with pytest.raises(tessera.UsageError, match="option of TIFF"):
        image.save(tmp_path / "levels.png", pyramid=True)


def test_encodes_png_in_memory(photo, command):
    assert tessera.open(os.fspath(photo)).apply("invert").encode() == command("invert", photo)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_opens_bytes(kind, photo, pixels):
    image = tessera.from_bytes(kind(photo.read_bytes()), name="parrots")
    assert numpy.array_equal(image.numpy(), pixels)


def test_pixels_are_those_that_pillow_reads(photo, pixels, command):
    assert numpy.array_equal(tessera.open(photo).numpy(), pixels)
    blurred = tessera.open(photo).apply("gaussian-blur sigma=3").numpy()
    assert numpy.array_equal(blurred, PIL.Image.open(io.BytesIO(command("gaussian-blur sigma=3", photo))))


def test_tells_size_and_type_before_anything_is_computed(photo):
    image = tessera.open(photo).apply("resize width=150 | grayscale")
    assert (image.shape, image.dtype, image.width, image.height, image.ndim) == ((100, 150), numpy.uint8, 150, 100, 2)
    assert str(image.pipeline) == "resize width=150 | grayscale"
    assert repr(image) == "<tessera.Image 150x100 gray uint8, resize width=150 | grayscale>"
    assert repr(tessera.open(photo)) == "<tessera.Image 768x512 RGB uint8>"
    assert len(image) == 100


def test_applies_pipelines_one_after_the_other(photo, command):
    image = tessera.open(photo).apply("median size=5").apply(tessera.Pipeline("otsu"))
    assert image.encode() == command("median size=5 | otsu", photo)


def test_is_an_array_to_numpy(photo, pixels):
    image = tessera.open(photo)
    assert numpy.array_equal(numpy.asarray(image), pixels)
    assert numpy.asarray(image, dtype=numpy.float32).dtype == numpy.float32
    assert numpy.array_equal(numpy.stack(list(image)), pixels)
    assert int(numpy.max(image)) == int(pixels.max())


def test_finds_without_a_picture(photo):
    found, = tessera.open(photo).apply("threshold value=128 | label").find()
    assert found.operator == "label"
    assert len(found) > 0
    assert found.values.shape == (len(found), len(found.columns))
    assert found.values.dtype == numpy.float64
    lines, = tessera.open(photo).apply("hough-lines votes=100 max-lines=20").find()
    assert len(lines) <= 20


def test_reports_warnings(pixels, tmp_path):
    pages = [PIL.Image.fromarray(pixels[:40]), PIL.Image.fromarray(pixels[40:80])]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    report = tessera.open(tmp_path / "pages.tif").save(tmp_path / "first.png")
    assert any("2" in warning for warning in report.warnings), report.warnings
    assert tessera.from_array(pixels).save(tmp_path / "plain.png").warnings == []


def test_salvages_what_can_be_read(photo, tmp_path, pixels):
    half = photo.read_bytes()[:300_000]
    with pytest.raises(tessera.DamagedInputError):
        tessera.from_bytes(half).numpy()
    image = tessera.from_bytes(half, salvage=True)
    assert numpy.array_equal(image[:100], pixels[:100])
    assert image.save(tmp_path / "half.png").warnings


def test_notebooks_show_a_small_picture(photo, pixels):
    shown = PIL.Image.open(io.BytesIO(tessera.open(photo).apply("resize scale=2")._repr_png_()))
    assert shown.size == (512, 341)
    small = tessera.from_array(pixels[:20, :30])
    assert numpy.array_equal(PIL.Image.open(io.BytesIO(small._repr_png_())), pixels[:20, :30])


def test_images_are_not_made_by_their_class():
    with pytest.raises(TypeError, match="tessera.open"):
        tessera.Image()


def test_the_package_has_the_version_of_the_library(program, sources):
    declared = (sources / "python/pyproject.toml").read_text()
    assert f'version = "{tessera.__version__}"' in declared
