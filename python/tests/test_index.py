"""Indices mean what they mean to numpy, and no more is computed than they need."""
import numpy
import pytest

import tessera

LOCAL = "gaussian-blur sigma=3 | sharpen"
INDICES = [
    numpy.s_[:], numpy.s_[...], numpy.s_[()], numpy.s_[:, :], numpy.s_[10:20, 30:50], numpy.s_[10:20], numpy.s_[:, 30:50],
    numpy.s_[5], numpy.s_[-1], numpy.s_[5, 7], numpy.s_[-5, -7], numpy.s_[:, 7], numpy.s_[..., 30:50, :], numpy.s_[5, ...],
    numpy.s_[::7, ::11], numpy.s_[3:200:7, 200:3:-11], numpy.s_[::-1], numpy.s_[:, ::-1], numpy.s_[-20:-5, -9:],
    numpy.s_[400:10000, 700:10000], numpy.s_[5:5], numpy.s_[20:10, :], numpy.s_[5, 10:5], numpy.s_[2:1, 4],
    numpy.s_[::1000],
    numpy.s_[None, 5:9], numpy.s_[5:9, None, 2:4], numpy.s_[..., None], numpy.s_[numpy.int64(3), numpy.uint8(4)],
    numpy.s_[0:1, 0:1], numpy.s_[511, 767], numpy.s_[510:512:5, 767:0:-800],
]
CHANNEL_INDICES = [
    numpy.s_[..., 0], numpy.s_[..., -1], numpy.s_[:, :, 1:], numpy.s_[5, 7, 2], numpy.s_[10:20, 30:40, ::-1],
    numpy.s_[10:20, 30:40, [0]][:2] + (slice(0, 1),), numpy.s_[3:9, None, 2:5, 1], numpy.s_[2:1, :, 0], numpy.s_[..., 3:],
]


@pytest.fixture(scope="module", params=[LOCAL, "otsu", "rotate angle=20", ""])
def image_and_pixels(request, photo):
    image = tessera.open(photo)
    if request.param:
        image = image.apply(request.param)
    return image, image.numpy()


def check(image, pixels, index):
    part, expected = image[index], pixels[index]
    assert type(part) is type(expected)
    assert part.dtype == expected.dtype
    assert part.shape == expected.shape
    assert numpy.array_equal(part, expected)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_parts_are_those_of_the_whole(index, image_and_pixels):
    check(*image_and_pixels, index)


@pytest.mark.parametrize("index", CHANNEL_INDICES, ids=str)
@pytest.mark.parametrize("pipeline", [LOCAL, "equalize"])
def test_samples_can_be_chosen(index, pipeline, photo):
    image = tessera.open(photo).apply(pipeline)
    check(image, image.numpy(), index)


@pytest.mark.parametrize("samples", [2, 4])
def test_parts_have_alpha(samples):
    array = numpy.random.default_rng(1).integers(0, 65535, (40, 50, samples), numpy.uint16)
    image = tessera.from_array(array)
    for index in (numpy.s_[3:9, 4:30:5], numpy.s_[7], numpy.s_[..., -1], numpy.s_[1, 2, 1]):
        check(image, array, index)


def test_16_bit_parts_are_those_of_the_whole():
    array = numpy.random.default_rng(1).integers(0, 65535, (40, 50), numpy.uint16)
    image = tessera.from_array(array).apply("gaussian-blur sigma=2")
    check(image, image.numpy(), numpy.s_[30:3:-4, 5:])


@pytest.mark.parametrize("index,said", [
    (512, "512 is out of bounds for axis 0 with size 512"),
    (-513, "-513 is out of bounds"),
    (numpy.s_[0, 768], "768 is out of bounds for axis 1 with size 768"),
    (numpy.s_[0, 0, 3], "3 is out of bounds for axis 2 with size 3"),
    (numpy.s_[0, 0, 0, 0], "4 were given"),
    (numpy.s_[..., ...], "one ellipsis"),
    (numpy.s_[[1, 2]], "list"),
    (numpy.s_[numpy.array([1, 2])], "ndarray"),
    (True, "bool"),
    (numpy.bool_(True), "bool"),
    ("red", "str"),
    (1.5, "float"),
])
def test_other_indices_are_refused(index, said, photo):
    with pytest.raises(IndexError, match=said):
        tessera.open(photo)[index]


def test_a_slice_of_no_step_is_refused(photo):
    with pytest.raises(ValueError, match="step"):
        tessera.open(photo)[::0]


def test_only_the_part_is_computed(photo, damaged):
    # Who computes the lower half cannot but say that it is damaged.
    image = tessera.from_bytes(damaged).apply(LOCAL)
    with pytest.raises(tessera.DamagedInputError):
        image.numpy()
    assert numpy.array_equal(image[:50], tessera.open(photo).apply(LOCAL)[:50])
