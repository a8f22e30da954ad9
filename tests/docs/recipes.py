#!/usr/bin/env python3
"""recipes.py TESSERA PHOTOS PAGE...: runs every command of documentation pages, in the order in which they stand, in a folder
with photographs. Each must succeed, and what it names as its output must be there."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def prepare(tessera, photos, folder):
    """photo.jpg, page.jpg, logo.png, and a tree of photographs."""
    (folder / "photos" / "2024").mkdir(parents=True)
    for number, source in enumerate(sorted(photos.glob("*.png"))):
        target = folder / "photos" / ("2024" if number % 2 else ".") / f"{source.stem}.jpg"
        subprocess.run([tessera, "convert", source, target, "--quiet"], check=True)
    shutil.copy(next((folder / "photos").glob("*.jpg")), folder / "photo.jpg")
    shutil.copy(folder / "photo.jpg", folder / "page.jpg")
    subprocess.run([tessera, "thumbnail", folder / "photo.jpg", folder / "logo.png", "-s", "64", "--quiet"], check=True)


def expected_outputs(command):
    """Plain names after -o and --findings."""
    for name in re.findall(r"(?:-o|--findings) '?([^'{}\s]+)", command):
        if name != "-" and "--dry-run" not in command:
            yield name


def main():
    tessera, photos, *pages = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    environment = {
        **os.environ,
        "PATH": f"{tessera.parent}:{os.environ['PATH']}",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    ran = 0
    for page in pages:
        with tempfile.TemporaryDirectory(prefix="tessera-recipes-") as folder:
            folder = pathlib.Path(folder)
            prepare(tessera, photos, folder)
            environment["XDG_CONFIG_HOME"] = str(folder / "config")
            for command in "".join(BLOCK.findall(page.read_text())).splitlines():
                done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment,
                                      capture_output=True, text=True, errors="replace")
                if done.returncode != 0:
                    sys.exit(f"{page.name}: {command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
                for name in expected_outputs(command):
                    if not (folder / name).exists():
                        sys.exit(f"{page.name}: {command}\ndid not write {name}.")
                ran += 1
    if ran == 0:
        sys.exit("The pages have no commands.")
    print(f"{ran} commands of {len(pages)} pages ran.")


main()
