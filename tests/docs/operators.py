#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""operators.py TESSERA FOLDER: the page of operators in FOLDER/docs is what the catalogue says now, shows every operator, and its
pictures are those that the operators make now."""
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Levels. Another release of libwebp may write other bytes; an operator that shows nothing is nearer than this to what it was given.
SAME_MEAN = 2.0
SEEN_MEAN = 2.0


def load_writer(path):
    spec = importlib.util.spec_from_file_location("write", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def mean_difference(tessera, first, second):
    """Of the channel that differs most; infinite if sizes or formats differ."""
    done = subprocess.run([tessera, "compare", "--json", first, second], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"{first} and {second} cannot be compared: {done.stderr}")
    return max((channel["mean"] for channel in json.loads(done.stdout).get("channels", [])), default=float("inf"))


def problems(tessera, top, writer, fresh):
    """What is wrong, in sentences. `fresh` is a folder with the pictures as they are made now."""
    docs = top / "docs"
    text = (docs / "operators.md").read_text()
    listed = subprocess.run([tessera, "ops", "--markdown"], check=True, capture_output=True, text=True).stdout
    names = set(re.findall(r"^### (\S+)$", listed, re.MULTILINE))
    shown = set(writer.SHOWN)
    for name in sorted(names - shown - writer.UNSEEN):
        yield f"{name} has no picture: add it to SHOWN in docs/operators/write.py."
    for name in sorted((shown | writer.UNSEEN) - names):
        yield f"docs/operators/write.py names {name}, which is no operator."
    for name in sorted(set(writer.BEFORE) - {before for before, _ in writer.SHOWN.values()}):
        yield f"No operator is shown on the picture '{name}' of docs/operators/write.py."
    if text != writer.page(tessera, "operators"):
        yield "docs/operators.md is not what the catalogue says now."
    stored = {path.name for path in (docs / "operators").glob("*.webp")}
    made = {path.name for path in fresh.glob("*.webp")}
    for name in sorted(made ^ stored):
        yield f"docs/operators/{name} is " + ("missing." if name in made else "not made any more.")
    for name in sorted(made & stored):
        if mean_difference(tessera, fresh / name, docs / "operators" / name) > SAME_MEAN:
            yield f"docs/operators/{name} is not what is made now."
        if f"(operators/{name})" not in text:
            yield f"docs/operators.md does not show {name}."
    for name, (before, step) in writer.SHOWN.items():
        if mean_difference(tessera, fresh / f"before-{before}.webp", fresh / f"{name}.webp") < SEEN_MEAN:
            yield f"Nobody can see on '{before}' what '{step}' does."


def main():
    tessera, top = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    writer = load_writer(top / "docs" / "operators" / "write.py")
    with tempfile.TemporaryDirectory() as fresh:
        fresh = pathlib.Path(fresh)
        writer.write_pictures(tessera, fresh)
        found = list(problems(tessera, top, writer, fresh))
    for sentence in found:
        print(sentence, file=sys.stderr)
    if found:
        sys.exit("'./run docs' writes the page and its pictures.")
    print(f"The page shows {len(writer.SHOWN)} operators.")


main()
