"""What the generated functions of tessera.ops share."""
from __future__ import annotations

import json
import numbers
from typing import Any

from tessera._errors import BadParameterError
from tessera._tessera import Pipeline


def _plain(value: Any) -> Any:
    """Numbers of numpy and other libraries as JSON has them."""
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    if getattr(value, "dtype", None) == bool and getattr(value, "ndim", None) == 0:
        return bool(value)
    return value


def _colour(name: str, parameter: str, value: str) -> str:
    """Colours have names in text only, not in JSON."""
    if not value.isalpha():
        return value
    operator = json.loads(Pipeline(f"{name} {parameter}={value}").json())["operators"][0]
    return operator["parameters"][parameter]


def make(name: str, words: dict[str, str], **given: Any) -> Pipeline:
    """One operator. What is None is left to its default. `words` are the parameters that are one of several words, each
    "choice", and those that are a "colour"."""
    parameters = {}
    for argument, value in given.items():
        if value is None:
            continue
        parameter = argument.rstrip("_").replace("_", "-")
        value = _plain(value)
        kind = words.get(argument)
        if kind == "choice" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        elif kind == "colour" and isinstance(value, str):
            value = _colour(name, parameter, value)
        parameters[parameter] = value
    try:
        text = json.dumps({"operators": [{"name": name, "parameters": parameters}]}, allow_nan=False)
    except (TypeError, ValueError) as error:
        shown = ", ".join(f"{parameter}={value!r}" for parameter, value in parameters.items())
        raise BadParameterError(
            f"'{name}' takes finite numbers, True or False, and text: {shown} has something else.") from error
    return Pipeline(text)
