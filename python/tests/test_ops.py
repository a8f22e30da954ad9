"""The functions that are generated from the catalogue, one for each operator."""
import inspect
import json
import subprocess
import sys

import numpy
import pytest

import tessera

CATALOGUE = json.loads(tessera.operators_json())["$defs"]
NAMES = list(CATALOGUE)


def function_of(name):
    return getattr(tessera.ops, name.replace("-", "_"))


def parameters_of(name):
    return CATALOGUE[name]["properties"]["parameters"]["properties"]


def test_every_operator_is_a_function():
    assert [name.replace("-", "_") for name in NAMES] == tessera.ops.__all__
    assert len(NAMES) >= 49


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_not_filled_in(name):
    assert str(function_of(name)()) == name


@pytest.mark.parametrize("name", NAMES)
def test_defaults_may_be_given(name):
    """The values that the catalogue calls defaults are taken, and change nothing."""
    defaults = {key.replace("-", "_"): parameter["default"] for key, parameter in parameters_of(name).items()
                if "default" in parameter}
    given = json.loads(function_of(name)(**defaults).json())["operators"][0]["parameters"]
    assert given == {key: parameter["default"] for key, parameter in parameters_of(name).items() if "default" in parameter}


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_the_catalogue_can_be_said_as_functions(name, photo, command):
    example = tessera.Pipeline(CATALOGUE[name]["x-example"])
    said = tessera.Pipeline()
    for operator in json.loads(example.json())["operators"]:
        arguments = {key.replace("-", "_"): value for key, value in operator["parameters"].items()}
        said |= function_of(operator["name"])(**arguments)
    assert json.loads(said.json()) == json.loads(example.json())
    image = tessera.open(photo).apply("resize width=160").encode()
    if name == "crop":
        with pytest.raises(tessera.BadParameterError, match="crop"):
            tessera.from_bytes(image).apply(said)
        said = tessera.ops.crop(x=10, y=5, width=64, height=48)
    small = tessera.from_bytes(image)
    whole = small.apply(said)
    assert whole.numpy().shape == whole.shape
    assert numpy.array_equal(whole.numpy(threads=1), small.apply(str(said)).numpy(threads=2))


@pytest.mark.parametrize("name", NAMES)
def test_defaults_work_on_a_picture(name, pixels):
    if name == "watermark":
        with pytest.raises(tessera.BadParameterError, match="text"):
            tessera.from_array(pixels).apply(tessera.ops.watermark()).numpy()
        return
    image = tessera.from_array(pixels[:60, :80])
    try:
        result = image.apply(function_of(name)())
    except tessera.UsageError as error:
        assert name in ("label", "resize"), error
    except tessera.BadParameterError as error:
        assert name == "resize", error
    else:
        assert result.numpy().shape == result.shape


@pytest.mark.parametrize("name", NAMES)
def test_docstrings_are_the_catalogue_s(name):
    text = " ".join(inspect.getdoc(function_of(name)).split())
    operator = CATALOGUE[name]
    assert " ".join(operator["description"].split()) in text
    assert " ".join(operator["x-definition"].split()) in text
    for key, parameter in parameters_of(name).items():
        assert f"{key.replace('-', '_')}: {' '.join(parameter['description'].split())}" in text
    assert set(inspect.signature(function_of(name)).parameters) == {key.replace("-", "_") for key in parameters_of(name)}


def test_docstrings_say_units_and_ranges():
    text = " ".join(inspect.getdoc(tessera.ops.gaussian_blur).split())
    assert "sigma: Width of the bell curve. (0.1 to 64 px; default 1.5)" in text
    assert "reflect101, replicate, constant or wrap; default 'reflect101'" in text


def test_numbers_of_numpy_are_numbers():
    pipeline = tessera.ops.gaussian_blur(sigma=numpy.float32(2.5)) | tessera.ops.median(size=numpy.int64(5))
    assert str(pipeline) == "gaussian-blur sigma=2.5 | median size=5"
    assert str(tessera.ops.canny(aperture=5, l2=numpy.bool_(True))) == "canny aperture=5 l2=true"


def test_text_needs_no_quotes():
    pipeline = tessera.ops.watermark(text="a | b='c' \"d\"")
    assert json.loads(pipeline.json())["operators"][0]["parameters"]["text"] == "a | b='c' \"d\""
    assert tessera.Pipeline(str(pipeline)) == pipeline


def test_colours_have_names():
    assert tessera.ops.pad(left=2, fill="white") == tessera.ops.pad(left=2, fill="#ffffff")
    with pytest.raises(tessera.BadParameterError, match="fill"):
        tessera.ops.pad(fill="mauve")


@pytest.mark.parametrize("arguments,said", [
    ({"sigma": 1000}, "64"),
    ({"sigma": float("nan")}, "sigma"),
    ({"sigma": [1]}, "sigma"),
    ({"sigma": object()}, "sigma"),
    ({"border": "mirror"}, "reflect101"),
])
def test_mistakes_are_said(arguments, said):
    with pytest.raises(tessera.BadParameterError, match=said):
        tessera.ops.gaussian_blur(**arguments)


def test_arguments_have_names():
    with pytest.raises(TypeError):
        tessera.ops.gaussian_blur(2)
    with pytest.raises(TypeError, match="sigmas"):
        tessera.ops.gaussian_blur(sigmas=2)


def run_mypy(*arguments, folder):
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def mypy_environment(monkeypatch, tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    package = tessera.__path__[0].rpartition("/")[0]
    if "-packages" not in package:
        monkeypatch.setenv("MYPYPATH", package)
    return tmp_path


def test_types_are_right(mypy_environment):
    done = run_mypy("mypy", "-p", "tessera", folder=mypy_environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_stubs_are_those_of_the_modules(mypy_environment):
    # Classes of pybind11 have a metaclass and __init__ of its own.
    allowed = mypy_environment / "allowed"
    allowed.write_text("tessera\\._tessera\\.[A-Za-z]+\ntessera\\._tessera\\.[A-Za-z]+\\.__init__\n")
    done = run_mypy("mypy.stubtest", "--allowlist", str(allowed), "tessera._tessera", "tessera.ops",
                    folder=mypy_environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line,said", [
    ("tessera.ops.gaussian_blur(sigma='wide')", "incompatible type"),
    ("tessera.ops.gaussian_blur(border='mirror')", "Literal"),
    ("tessera.ops.gaussian_blur(sigmas=1)", "Unexpected keyword"),
    ("tessera.ops.gausian_blur()", "has no attribute"),
    ("len(tessera.open('a.png').width)", "incompatible type"),
])
def test_type_checkers_find_mistakes(line, said, mypy_environment):
    file = mypy_environment / "mistake.py"
    file.write_text(f"import tessera\n\nfine = tessera.ops.gaussian_blur(sigma=2, border='wrap') | 'otsu'\n{line}\n")
    done = run_mypy("mypy", str(file), folder=mypy_environment)
    assert said in done.stdout, done.stdout + done.stderr
    assert "Found 1 error" in done.stdout, done.stdout
