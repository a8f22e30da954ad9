"""What an index means: the rectangle that holds its pixels, and the index within that rectangle."""
from __future__ import annotations

import operator
from typing import Any, NamedTuple


class Resolved(NamedTuple):
    rows: range  # of the image that are needed; in steps of one
    columns: range
    rest: tuple  # the index to use on the array of that rectangle


def resolve(index: Any, shape: tuple[int, ...]) -> Resolved:
    """Raises IndexError as numpy does, and for the kinds of index that need the whole image."""
    spans: list[range] = []
    rest: list[Any] = []
    for part in _expanded(index, len(shape)):
        if part is None:
            rest.append(None)
            continue
        axis = len(spans)
        if isinstance(part, slice):
            span, within = _of_slice(part, shape[axis])
        else:
            at = _of_number(part, shape[axis], axis)
            span, within = range(at, at + 1), 0
        spans.append(span)
        # The samples of a pixel are computed together: there the index stays as it is.
        rest.append(within if axis < 2 else part)
    return Resolved(spans[0], spans[1], tuple(rest))


def _expanded(index: Any, dimensions: int) -> list:
    """The parts of an index, one for each axis, beside those that are None."""
    parts = list(index) if isinstance(index, tuple) else [index]
    gaps = [at for at, part in enumerate(parts) if part is Ellipsis]
    if len(gaps) > 1:
        raise IndexError("An index can have one ellipsis ('...') only.")
    given = sum(part is not None and part is not Ellipsis for part in parts)
    if given > dimensions:
        raise IndexError(f"Too many indices: the image has {dimensions} dimensions, but {given} were given.")
    fill = [slice(None)] * (dimensions - given)
    at = gaps[0] if gaps else len(parts)
    return parts[:at] + fill + parts[at + 1:]


def _of_number(part: Any, size: int, axis: int) -> int:
    # A bool is an integer to Python, and a mask to numpy.
    if isinstance(part, bool) or getattr(part, "dtype", None) == bool or getattr(part, "ndim", 0) > 0:
        raise _unsupported(part)
    try:
        at = operator.index(part)
    except TypeError:
        raise _unsupported(part) from None
    if not -size <= at < size:
        raise IndexError(f"Index {at} is out of bounds for axis {axis} with size {size}.")
    return at % size


def _unsupported(part: Any) -> IndexError:
    return IndexError(
        f"An image takes integers, slices, '...' and None as indices, not {type(part).__name__}: for others "
        "compute all of it first, numpy.asarray(image)[...].")


def _of_slice(part: slice, size: int) -> tuple[range, Any]:
    """The span that holds what a slice takes, and the slice within it."""
    taken = range(*part.indices(size))
    if not taken:
        return range(0), slice(0, 0)
    if taken.step > 0:
        return range(taken[0], taken[-1] + 1), slice(None, None, taken.step)
    return range(taken[-1], taken[0] + 1), slice(taken[0] - taken[-1], None, taken.step)
