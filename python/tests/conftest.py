"""What the tests share: the command whose bytes are the measure, photographs, a running service."""
import os
import pathlib
import subprocess
import sys

import numpy
import PIL.Image
import pytest

from service import Service

SOURCES = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def program():
    """The tessera command."""
    path = os.environ.get("TESSERA_PROGRAM")
    if not path:
        pytest.fail("TESSERA_PROGRAM must name the tessera command that results are held against.")
    return path


@pytest.fixture(scope="session")
def photo():
    return SOURCES / "examples/photos/parrots.png"


@pytest.fixture(scope="session")
def pixels(photo):
    """The photograph as Pillow reads it."""
    return numpy.asarray(PIL.Image.open(photo))


@pytest.fixture(scope="session")
def damaged(photo):
    """The photograph's file with other bytes in its lower half."""
    content = bytearray(photo.read_bytes())
    content[400_000:400_100] = bytes(100)
    return bytes(content)


@pytest.fixture(scope="session")
def sources():
    return SOURCES


@pytest.fixture
def command(program, tmp_path):
    """Runs 'tessera apply PIPELINE FILE' and returns the bytes of the result."""

    def run(pipeline, file, name="expected.png", *options):
        result = tmp_path / f"command-{name}"
        subprocess.run([program, "apply", pipeline, file, "-o", result, "--quiet", "--force", *options], check=True)
        return result.read_bytes()

    return run


@pytest.fixture
def script(tmp_path):
    """Starts a Python program in a process of its own."""
    started = []

    def start(text, *arguments, before=()):
        file = tmp_path / f"script{len(started)}.py"
        file.write_text(text, encoding="utf-8")
        process = subprocess.Popen([*before, sys.executable, file, *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def service(program, tmp_path_factory):
    """A 'tessera serve' of its own."""
    with Service(program, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def as_its_user(service, monkeypatch):
    """The environment of the user who runs the service, without addresses and tokens."""
    for name in ("TESSERA_URL", "TESSERA_SERVER", "TESSERA_TOKEN", "TESSERA_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(service.state_home))
    return service
