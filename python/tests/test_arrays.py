"""Arrays go in and come out as they were, without copies where there is no alpha."""
import gc
import weakref

import numpy
import PIL.Image
import pytest

import tessera


def pattern(shape, dtype):
    return numpy.random.default_rng(7).integers(0, numpy.iinfo(dtype).max, shape, dtype, endpoint=True)


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", [numpy.uint8, numpy.uint16])
@pytest.mark.parametrize("samples", [None, 1, 2, 3, 4])
def test_pixels_come_out_as_they_went_in(dtype, samples):
    array = pattern((31, 53) if samples is None else (31, 53, samples), dtype)
    image = tessera.from_array(array)
    squeezed = array[..., 0] if samples == 1 else array
    assert (image.shape, image.dtype) == (squeezed.shape, dtype)
    assert numpy.array_equal(image.numpy(), squeezed)
    assert numpy.array_equal(tessera.from_bytes(image.encode()).numpy(), squeezed)
    assert (image.info.channels, image.info.alpha) == (1 if samples in (None, 1, 2) else 3, samples in (2, 4))


def test_16_bit_results_are_those_of_the_command(tmp_path, command):
    array = pattern((40, 60), numpy.uint16)
    PIL.Image.fromarray(array.astype(numpy.int32)).convert("I;16").save(tmp_path / "deep.png")
    image = tessera.open(tmp_path / "deep.png")
    assert image.dtype == numpy.uint16
    assert numpy.array_equal(image.numpy(), array)
    expected = command("gaussian-blur sigma=2", tmp_path / "deep.png")
    assert tessera.from_array(array).apply("gaussian-blur sigma=2").encode() == expected


@pytest.mark.parametrize("view", [
    lambda array: array[:, 5:40],
    lambda array: array[::3],
    lambda array: array[7:8, 2:9],
    lambda array: array[::-1],
    lambda array: array[:, ::-1],
    lambda array: array[:, ::2],
    lambda array: array[..., ::-1],
    lambda array: array.transpose(1, 0, 2),
    lambda array: numpy.asfortranarray(array),
    lambda array: numpy.broadcast_to(array[:1], array.shape),
    lambda array: array[:, :, 1],
    lambda array: array[:, :, :1],
    lambda array: array[4:5, 4:5],
    lambda array: array[:, 3:4],
])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2"])
def test_rows_may_lie_anywhere(view, dtype):
    array = view(pattern((50, 60, 3), numpy.dtype(dtype).newbyteorder("=").type).astype(dtype))
    expected = numpy.ascontiguousarray(array, numpy.dtype(dtype).newbyteorder("="))
    image = tessera.from_array(array)
    assert numpy.array_equal(image.numpy(), expected.reshape(image.shape))
    blurred = tessera.from_array(expected).apply("gaussian-blur sigma=1")
    assert numpy.array_equal(image.apply("gaussian-blur sigma=1").numpy(), blurred.numpy())


def test_arrays_that_are_not_aligned_are_taken():
    memory = numpy.frombuffer(b"\0" + pattern((10, 20), numpy.uint16).tobytes(), numpy.uint8)[1:]
    array = memory.view(numpy.uint16).reshape(10, 20)
    assert not array.flags.aligned
    assert numpy.array_equal(tessera.from_array(array).numpy(), array)


def test_the_library_reads_the_memory_of_the_array():
    memory = numpy.zeros((20, 100, 3), numpy.uint8)
    array = memory[:, 10:40]
    image = tessera.from_array(array)
    array[3, 4] = (7, 8, 9)
    assert image.numpy()[3, 4].tolist() == [7, 8, 9]


def test_a_result_does_not_share_the_memory_of_its_input():
    array = pattern((20, 30, 3), numpy.uint8)
    before = array.copy()
    result = tessera.from_array(array).numpy()
    assert result.flags.writeable
    result[:] = 0
    assert numpy.array_equal(array, before)


def test_results_are_the_library_s_memory(photo):
    result = tessera.open(photo).apply("otsu").numpy()
    assert not result.flags.owndata
    assert type(result.base).__name__ == "PyCapsule"
    assert address(numpy.asarray(result)) == address(result)


@pytest.mark.parametrize("pipeline", ["invert", "otsu"])
def test_who_writes_to_a_part_does_not_change_the_image(pipeline, photo):
    image = tessera.open(photo).apply(pipeline)
    expected = image.numpy()
    for part in (image[:], image[10:20, 30:40]):
        part[:] = 77
    assert numpy.array_equal(image[:], expected)


def test_the_array_lives_as_long_as_what_is_made_of_it():
    class Watched(numpy.ndarray):
        """An array to which weak references can be made."""

    array = pattern((10, 10, 3), numpy.uint8).view(Watched)
    watched = weakref.ref(array)
    image = tessera.from_array(array).apply("invert")
    expected = 255 - numpy.asarray(array)
    del array
    gc.collect()
    assert numpy.array_equal(image.numpy(), expected)
    del image, expected
    gc.collect()
    assert watched() is None


def test_a_result_outlives_its_image(photo, pixels):
    corner = tessera.open(photo)[:5, :5]
    result = tessera.open(photo).numpy()
    gc.collect()
    assert numpy.array_equal(corner, pixels[:5, :5])
    assert numpy.array_equal(result, pixels)


@pytest.mark.parametrize("array,said", [
    (numpy.zeros((4, 4), numpy.float32), "float32"),
    (numpy.zeros((4, 4), numpy.int8), "int8"),
    (numpy.zeros((4, 4), bool), "bool"),
    (numpy.zeros((4, 4), numpy.uint32), "uint32"),
    (numpy.zeros(4, numpy.uint8), "1 dimensions"),
    (numpy.zeros((4, 4, 4, 4), numpy.uint8), "4 dimensions"),
    (numpy.zeros((4, 4, 5), numpy.uint8), "5 samples"),
    (numpy.zeros((4, 4, 0), numpy.uint8), "0 samples"),
    (numpy.zeros((0, 4), numpy.uint8), "no pixels"),
    ([[1.5, 2.5]], "float64"),
    ("text", "<U4"),
])
def test_other_arrays_are_refused_in_a_sentence(array, said):
    with pytest.raises(tessera.UsageError, match=said) as caught:
        tessera.from_array(array)
    assert "uint8 or uint16" in str(caught.value)


def test_limits_hold_for_arrays():
    with pytest.raises(tessera.LimitExceededError):
        tessera.from_array(numpy.zeros((10, 10), numpy.uint8), limits={"max-output-pixels": 99}).apply("resize scale=2")
