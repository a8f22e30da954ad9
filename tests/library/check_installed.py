#!/usr/bin/env python3
"""check_installed.py BUILD_FOLDER EXAMPLE PHOTO TESSERA: installs the library and its headers into an empty folder, builds
the example against them by CMake and by pkg-config, runs both, and compares what they write with the command's bytes. Shows,
too, that the shared library exports what its headers declare and nothing else."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def check_symbols(library):
    shown = run("nm", "-D", "--defined-only", "--demangle", library).splitlines()
    names = [line.split(maxsplit=2)[2] for line in shown if len(line.split(maxsplit=2)) == 3]
    api = re.compile(
        r"^(typeinfo( name)? for |vtable for |guard variable for )?tessera::"
        r"(Image|Pixels|Pipeline|Error|error_name|operators_json|communicator)\b"
    )
    foreign = [name for name in names if not api.search(name)]
    if foreign:
        sys.exit("The library shows what is not its interface:\n  " + "\n  ".join(foreign[:40]))
    for name in ("tessera::Image::open", "tessera::Pipeline::Pipeline", "tessera::error_name"):
        if not any(shown_name.startswith(name) for shown_name in names):
            sys.exit(f"The library does not show {name}.")


def main():
    build, example, photo, tessera = map(pathlib.Path, sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="tessera-installed-") as folder:
        folder = pathlib.Path(folder)
        prefix = folder / "prefix"
        for component in ("library", "dev"):
            run("cmake", "--install", build, "--prefix", prefix, "--component", component)
        library = next(prefix.rglob("libtessera.so"))
        check_symbols(library)
        expected = folder / "expected.png"
        run(tessera, "apply", "median size=5 | otsu", photo, "-o", expected, "--quiet")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}

        run("cmake", "-S", example, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", folder / "build")
        programs = [folder / "build" / "scan"]

        pkg_config = {**os.environ, "PKG_CONFIG_PATH": str(library.parent / "pkgconfig")}
        # The file names the folders of the package's own prefix; here it is installed elsewhere.
        flags = run("pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "--libs", "tessera", env=pkg_config).split()
        programs.append(folder / "scan-pkg-config")
        run("g++", "-Wall", "-Wextra", "-Wpedantic", "-Werror", example / "scan.cpp", "-o", programs[-1], *flags)

        for program in programs:
            result = folder / f"{program.name}.png"
            said = run(program, photo, result, env=environment)
            if result.read_bytes() != expected.read_bytes():
                sys.exit(f"{program.name} did not write the command's bytes.")
            print(said, end="")


main()
