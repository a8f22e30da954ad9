#!/usr/bin/env python3
"""check_installed.py BUILD_FOLDER TESSERA PHOTO: installs the library and its headers into an empty folder, builds the
Python package against them with pip, from the sources and from a source archive, and compares what each writes with the
command's bytes; then does the same with the package that CMake installs. BUILD_FOLDER may also be a folder where the
library is installed already."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parents[1]

PROGRAM = """
import importlib.metadata, pathlib, sys
import tessera
assert pathlib.Path(tessera.__file__).is_relative_to(sys.argv[1]), tessera.__file__
for name in ("ops.pyi", "_tessera.pyi", "py.typed"):
    assert (pathlib.Path(tessera.__file__).parent / name).exists(), name
tessera.open(sys.argv[2]).apply(tessera.ops.median(size=5) | "otsu").save(sys.argv[3])
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check(what, packages, photo, expected, environment):
    result = packages / "result.png"
    # Not in the sources' folder, whose package would come first.
    run(sys.executable, "-c", PROGRAM, packages, photo, result, cwd=packages,
        env={**os.environ, "PYTHONPATH": str(packages), **environment})
    if result.read_bytes() != expected.read_bytes():
        sys.exit(f"The package from {what} did not write the command's bytes.")
    print(f"The package from {what} writes the command's bytes.")


def main():
    build, tessera, photo = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="tessera-python-") as folder:
        folder = pathlib.Path(folder)
        from_cmake = (build / "CMakeCache.txt").exists()
        prefix = folder / "prefix" if from_cmake else build
        for component in ("library", "dev", "python") if from_cmake else ():
            run("cmake", "--install", build, "--prefix", prefix, "--component", component)
        library = next(prefix.rglob("libtessera.so"))
        expected = folder / "expected.png"
        run(tessera, "apply", "median size=5 | otsu", photo, "-o", expected, "--quiet")

        sources = folder / "python"
        shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("build", "dist", "*.egg-info", "ops.py*", "*.so"))
        # Compiled quickly: it is the way that is tested here.
        environment = {**os.environ, "TESSERA_PREFIX": str(prefix), "CFLAGS": "-O0 -g0"}
        environment.pop("PYTHONPATH", None)
        pip = [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-index", "--no-deps", "--quiet"]
        run(*pip, "--target", folder / "from-sources", sources, env=environment)
        check("the sources", folder / "from-sources", photo, expected, {})

        run(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", folder / "archives", cwd=sources, env=environment)
        archive, = (folder / "archives").iterdir()
        run(*pip, "--target", folder / "from-archive", archive, env=environment)
        check("the source archive", folder / "from-archive", photo, expected, {})

        for packages in prefix.rglob("dist-packages"):
            check("CMake", packages, photo, expected, {"LD_LIBRARY_PATH": str(library.parent)})


main()
