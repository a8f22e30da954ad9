"""Pipelines are values: text, JSON, joined, compared, pickled."""
import json
import pickle

import pytest

import tessera


def test_pipelines_are_text_and_json():
    pipeline = tessera.Pipeline("  median size=5|otsu ")
    assert str(pipeline) == "median size=5 | otsu"
    assert pipeline.operators == ["median", "otsu"]
    assert len(pipeline) == 2
    assert repr(pipeline) == "tessera.Pipeline('median size=5 | otsu')"
    described = json.loads(pipeline.json())
    assert [operator["name"] for operator in described["operators"]] == ["median", "otsu"]
    assert tessera.Pipeline(pipeline.json()) == pipeline


def test_pipelines_are_joined_with_pipelines_and_text():
    both = tessera.Pipeline("median size=5") | tessera.Pipeline("otsu")
    assert both == tessera.Pipeline("median size=5") | "otsu"
    assert both == "median size=5" | tessera.Pipeline("otsu")
    assert str(tessera.Pipeline() | both | tessera.Pipeline()) == "median size=5 | otsu"
    with pytest.raises(TypeError):
        both | 5


def test_pipelines_are_equal_when_they_do_the_same():
    one, other = tessera.Pipeline("median size=5"), tessera.Pipeline("median   size=5")
    assert one == other and hash(one) == hash(other) and len({one, other}) == 1
    assert one != tessera.Pipeline("median size=7")
    assert one != "median size=5"


@pytest.mark.parametrize("text", ["", "otsu", "median size=5 | watermark text=\"© | 'Anna'\" opacity=0.6"])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pipelines_are_pickled(text, protocol):
    pipeline = tessera.Pipeline(text)
    again = pickle.loads(pickle.dumps(pipeline, protocol))
    assert again == pipeline and str(again) == str(pipeline)


def test_no_operators_leave_the_image_as_it_is(photo):
    assert str(tessera.Pipeline()) == ""
    assert tessera.open(photo).apply(tessera.Pipeline()).shape == (512, 768, 3)


@pytest.mark.parametrize("text,kind,said", [
    ("gausian-blur", tessera.UnknownOperatorError, "gaussian-blur"),
    ("median size=4", tessera.BadParameterError, "size"),
    ("median sise=5", tessera.BadParameterError, "sise"),
    ("median size=5 |", tessera.UsageError, ""),
    ("{", tessera.UsageError, ""),
])
def test_mistakes_are_said_with_their_place(text, kind, said):
    with pytest.raises(kind, match=said) as caught:
        tessera.Pipeline(text)
    assert isinstance(caught.value, ValueError)
