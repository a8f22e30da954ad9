"""Builds the extension module against an installed Tessera library, then writes tessera/ops.py from its catalogue."""
import os
import pathlib
import subprocess
import sys

import pybind11
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = pathlib.Path(__file__).resolve().parent


def pkg_config(package, *options, environment=None):
    """The words that pkg-config answers; None if it does not know the package."""
    try:
        done = subprocess.run(["pkg-config", *options, package], capture_output=True, text=True, env=environment)
    except FileNotFoundError:
        sys.exit("pkg-config is needed to find the Tessera library: install it (apt install pkg-config).")
    return done.stdout.split() if done.returncode == 0 else None


def library_flags():
    """Compiler and linker flags for the library, and the folder it lies in."""
    prefix, options, environment = os.environ.get("TESSERA_PREFIX"), [], dict(os.environ)
    if prefix:
        found = sorted(pathlib.Path(prefix).glob("lib/**/pkgconfig/tessera.pc"))
        if not found:
            sys.exit(f"TESSERA_PREFIX is '{prefix}', where there is no lib/.../pkgconfig/tessera.pc: install Tessera's "
                     "components library and dev there.")
        environment["PKG_CONFIG_PATH"] = str(found[0].parent)
        # The file names the folders of the prefix that was configured; this one may have been chosen later.
        options = [f"--define-variable=prefix={prefix}"]
    compile_flags = pkg_config("tessera", *options, "--cflags", environment=environment)
    if compile_flags is None:
        sys.exit("The Tessera library is not installed, or pkg-config does not find it: install libtessera-dev, or set "
                 "TESSERA_PREFIX to where it is installed.")
    link_flags = pkg_config("tessera", *options, "--libs", environment=environment)
    folder, = pkg_config("tessera", *options, "--variable=libdir", environment=environment)
    return compile_flags, link_flags, folder


def mpi_flags():
    """Only its headers: the library calls it. Without them the module refuses communicators."""
    return next((flags for package in ("ompi", "mpi", "mpich") if (flags := pkg_config(package, "--cflags"))), [])


def searched_by_the_system(folder):
    real = os.path.realpath(folder)
    done = subprocess.run(["ldconfig", "-N", "-v"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C",
                          "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
    return any(os.path.realpath(line.split(":")[0]) == real for line in done.stdout.splitlines() if line.startswith("/"))


class BuildModule(build_ext):
    def build_extension(self, extension):
        compile_flags, link_flags, folder = library_flags()
        extension.extra_compile_args += [*compile_flags, *mpi_flags(), "-fvisibility=hidden"]
        extension.extra_link_args += link_flags
        if not searched_by_the_system(folder):
            extension.runtime_library_dirs.append(os.path.abspath(folder))
        super().build_extension(extension)
        module = pathlib.Path(self.get_ext_fullpath(extension.name))
        # In an editable installation the package is the source folder.
        subprocess.run([sys.executable, HERE / "generate_ops.py", module, module.parent], check=True)


setup(
    ext_modules=[
        Extension("tessera._tessera", sorted(str(file.relative_to(HERE)) for file in HERE.glob("src/*.cpp")),
                  include_dirs=[pybind11.get_include()], language="c++")
    ],
    cmdclass={"build_ext": BuildModule},
)
