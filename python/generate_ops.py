#!/usr/bin/env python3
"""generate_ops.py MODULE FOLDER: writes ops.py and ops.pyi, a function for each operator, from the catalogue that the
extension module MODULE has."""
import importlib.util
import json
import keyword
import pathlib
import sys
import textwrap

TYPES = {"number": "float", "integer": "int", "boolean": "bool", "string": "str"}
UNITS = {"level": "levels of 255"}
WIDTH = 110


def python_name(name):
    name = name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def annotation(parameter):
    if "enum" not in parameter:
        return TYPES[parameter["type"]]
    choices = [json.dumps(choice) for choice in parameter["enum"]]
    if all(choice.isdecimal() for choice in parameter["enum"]):
        choices += parameter["enum"]
    one_line = f"Literal[{', '.join(choices)}]"
    if len(one_line) + 40 <= WIDTH:
        return one_line
    return "Literal[\n" + "".join(f"        {choice},\n" for choice in choices) + "    ]"


def shown(value):
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def values_of(parameter):
    """What a parameter may be, in words."""
    if "enum" in parameter:
        words = " or ".join([", ".join(parameter["enum"][:-1]), parameter["enum"][-1]])
    elif "minimum" in parameter and "maximum" in parameter:
        words = f"{shown(parameter['minimum'])} to {shown(parameter['maximum'])}"
    elif parameter["type"] == "boolean":
        words = "True or False"
    elif "pattern" in parameter:
        words = "a colour such as #ff8000 or white"
    else:
        words = "text"
    if unit := parameter.get("x-unit"):
        words += f" {UNITS.get(unit, unit)}"
    default = parameter.get("default")
    return words if default is None else f"{words}; default {shown(default)}"


def wrapped(text, indent):
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def docstring(operator, parameters):
    parts = [wrapped(operator["description"], "")]
    if parameters:
        lines = ["Parameters:"]
        for name, parameter in parameters.items():
            described = f"{python_name(name)}: {parameter.get('description', '')} ({values_of(parameter)})"
            lines.append(textwrap.fill(described, WIDTH - 4, initial_indent="    ", subsequent_indent="        ",
                                       break_on_hyphens=False))
        parts.append("\n".join(lines))
    parts.append(wrapped(f"Definition: {operator['x-definition']}", ""))
    if transparency := operator.get("x-transparency"):
        parts.append(wrapped(f"Transparency: {transparency}", ""))
    if example := operator.get("x-example"):
        parts.append(f"Example as text: {example}")
    text = "\n\n".join(parts)
    return textwrap.indent(text, "    ").lstrip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def signature(name, parameters):
    arguments = [f"{python_name(key)}: {annotation(value)} | None = None" for key, value in parameters.items()]
    if not arguments:
        return f"def {python_name(name)}() -> Pipeline:"
    one_line = f"def {python_name(name)}(*, {', '.join(arguments)}) -> Pipeline:"
    if len(one_line) <= WIDTH:
        return one_line
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"def {python_name(name)}(\n    *,\n{lines}) -> Pipeline:"


def function(name, operator):
    parameters = operator["properties"]["parameters"]["properties"]
    words = {python_name(key): kind for key, value in parameters.items()
             if (kind := "choice" if "enum" in value else "colour" if "pattern" in value else None)}
    arguments = [json.dumps(name), repr(words), *(f"{python_name(key)}={python_name(key)}" for key in parameters)]
    call = f"    return _make({', '.join(arguments)})"
    if len(call) > WIDTH:
        call = "    return _make(\n" + "".join(f"        {argument},\n" for argument in arguments) + "    )"
    doc = docstring(operator, parameters)
    return f'{signature(name, parameters)}\n    """{doc}\n    """\n{call}\n'


def main():
    module_file, folder = map(pathlib.Path, sys.argv[1:])
    spec = importlib.util.spec_from_file_location("_tessera", module_file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    operators = json.loads(module.operators_json())["$defs"]
    head = ('"""The operators as functions that make a pipeline: gaussian_blur(sigma=2) | otsu().\n\n'
            'Generated from the catalogue of the library."""\nfrom __future__ import annotations\n\n'
            'from typing import Literal\n\n')
    names = "".join(f'    "{python_name(name)}",\n' for name in operators)
    exported = f"__all__ = [\n{names}]\n"
    body = "\n\n".join(function(name, operator) for name, operator in operators.items())
    imports = "from tessera._operator import make as _make\nfrom tessera._tessera import Pipeline\n\n"
    (folder / "ops.py").write_text(f"{head}{imports}{exported}\n\n{body}", encoding="utf-8")
    stubs = "\n".join(signature(name, operator["properties"]["parameters"]["properties"]) + " ..."
                      for name, operator in operators.items())
    (folder / "ops.pyi").write_text(
        f"from typing import Literal\n\nfrom tessera._tessera import Pipeline\n\n{exported}\n{stubs}\n", encoding="utf-8")


main()
