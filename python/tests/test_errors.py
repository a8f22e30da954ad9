"""Errors have codes, sentences, and classes that Python's own handlers know."""
import pickle

import numpy
import pytest

import tessera
from tessera import _errors, _tessera


def test_every_code_of_the_library_has_a_class():
    assert {kind.code for kind in _errors._BY_CODE.values()} == set(_tessera.error_codes)
    for code in _tessera.error_codes:
        error = _errors.error_of(code, "A sentence.", "a subject")
        assert (error.code, str(error), error.subject) == (code, "A sentence.", "a subject")
        assert type(error) is not tessera.Error and type(error).__name__ in tessera.__all__


def test_codes_of_newer_versions_are_kept():
    error = _errors.error_of("out-of-paper", "There is no paper.")
    assert type(error) is tessera.Error and error.code == "out-of-paper"


@pytest.mark.parametrize("code", _tessera.error_codes)
def test_errors_are_pickled(code):
    again = pickle.loads(pickle.dumps(_errors.error_of(code, "A sentence.", "a subject")))
    assert (type(again).code, str(again), again.subject) == (code, "A sentence.", "a subject")


def check(work, kind, builtin, code, said):
    with pytest.raises(builtin, match=said) as caught:
        work()
    assert type(caught.value) is kind
    assert isinstance(caught.value, tessera.Error)
    assert caught.value.code == code


def test_a_file_that_is_not_there(tmp_path):
    file = tmp_path / "none.png"
    check(lambda: tessera.open(file), tessera.NotFoundError, FileNotFoundError, "not-found", "none.png")
    with pytest.raises(FileNotFoundError) as caught:
        tessera.open(file)
    assert caught.value.filename == str(file) and caught.value.errno == 2


def test_what_is_no_image(tmp_path):
    (tmp_path / "text.png").write_text("not an image")
    check(lambda: tessera.open(tmp_path / "text.png"), tessera.UnsupportedInputError, ValueError, "unsupported-input",
          "text.png")
    check(lambda: tessera.from_bytes(b"not an image", name="the letter"), tessera.UnsupportedInputError, ValueError,
          "unsupported-input", "the letter")


def test_a_damaged_image(damaged):
    image = tessera.from_bytes(damaged)
    check(image.numpy, tessera.DamagedInputError, ValueError, "damaged-input", "the input")


def test_parameters_that_do_not_suit_the_image(photo):
    check(lambda: tessera.open(photo).apply("crop x=1000000"), tessera.BadParameterError, ValueError, "bad-parameter",
          "crop")


def test_limits(photo):
    check(lambda: tessera.open(photo, limits={"max-pixels": 100}), tessera.LimitExceededError, ValueError, "limit-exceeded",
          "100")
    check(lambda: tessera.open(photo, limits={"max-piksels": 100}), tessera.UsageError, ValueError, "usage", "max-piksels")


def test_results_that_cannot_be_written(photo, tmp_path):
    check(lambda: tessera.open(photo).save(tmp_path / "none" / "a.png"), tessera.InputOutputError, OSError, "io", "a.png")
    check(lambda: tessera.open(photo).save(tmp_path / "a.gif"), tessera.UsageError, ValueError, "usage", "gif")
    check(lambda: tessera.open(photo).save(tmp_path / "a.jpg", quality=101), tessera.UsageError, ValueError, "usage", "101")
    assert not list(tmp_path.iterdir())


def test_arguments_of_the_wrong_kind(photo):
    image = tessera.open(photo)
    check(lambda: image.numpy(progress=5), tessera.UsageError, ValueError, "usage", "progress")
    with pytest.raises(TypeError):
        image.numpy(3)
    with pytest.raises(TypeError):
        tessera.open(5)
    with pytest.raises(TypeError):
        tessera.from_bytes("text")
    with pytest.raises(BufferError):
        tessera.from_bytes(memoryview(numpy.zeros(8, numpy.uint8))[::2])
