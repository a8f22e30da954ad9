"""Ranks of mpi4py that work on an image together."""
import os
import shutil
import subprocess
import sys

import pytest

import tessera

#: Ranks may outnumber cores, and tests may run as root.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
               "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}

#: Each says what it has to say in one write: lines of ranks do not mix.
RANK = """
import os
import sys
import numpy
from mpi4py import MPI
import tessera

world = MPI.COMM_WORLD
photo, pipeline, target = sys.argv[1:]
image = tessera.open(photo).apply(pipeline)
report = image.save(target, communicator=world, threads=1)
array = image.numpy(communicator=world, threads=1)
encoded = image.encode(communicator=world, threads=1)
assert (array is None) == (encoded is None) == (world.rank != 0)
if world.rank == 0:
    assert numpy.array_equal(array, image.numpy())
    with open(target, "rb") as file:
        assert file.read() == encoded
# A communicator of some ranks only.
half = world.Split(world.rank % 2)
assert (image.numpy(communicator=half) is None) == (half.rank != 0)
try:
    tessera.open(photo).apply("crop x=700 y=0").save("/none/a.png", communicator=world)
except tessera.InputOutputError as error:
    os.write(1, f"{world.rank} {error.code}\\n".encode())
"""

STOPPED_RANK = """
import os
import sys
from mpi4py import MPI
import tessera

def progress(_):
    raise KeyError("enough")

world = MPI.COMM_WORLD
image = tessera.open(sys.argv[1]).apply("resize width=2000" + 8 * " | non-local-means")
try:
    image.numpy(communicator=world, threads=1, progress=progress if world.rank == 0 else None)
except (KeyError, tessera.CancelledError) as error:
    os.write(1, f"{world.rank} {type(error).__name__}\\n".encode())
"""


@pytest.fixture
def mpi_environment(monkeypatch):
    pytest.importorskip("mpi4py", reason="python3-mpi4py is not installed")
    if shutil.which("mpirun") is None:
        pytest.skip("mpirun is not installed")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def run_ranks(ranks, program, *arguments):
    """What the ranks said, sorted."""
    done = subprocess.run(["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", sys.executable, program,
                           *arguments], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(done.stdout.splitlines())


@pytest.mark.parametrize("ranks,pipeline", [(1, "otsu"), (2, "rotate angle=10"), (3, "gaussian-blur sigma=3 | otsu")])
def test_ranks_write_the_bytes_of_the_command(ranks, pipeline, photo, tmp_path, command, mpi_environment):
    (tmp_path / "rank.py").write_text(RANK)
    said = run_ranks(ranks, tmp_path / "rank.py", photo, pipeline, tmp_path / "result.png")
    assert (tmp_path / "result.png").read_bytes() == command(pipeline, photo)
    assert said == [f"{rank} io" for rank in range(ranks)]


def test_an_exception_in_progress_stops_every_rank(photo, tmp_path, mpi_environment):
    (tmp_path / "rank.py").write_text(STOPPED_RANK)
    assert run_ranks(2, tmp_path / "rank.py", photo) == ["0 KeyError", "1 CancelledError"]


def test_other_things_are_no_communicators(photo):
    pytest.importorskip("mpi4py", reason="python3-mpi4py is not installed")
    with pytest.raises(tessera.UsageError, match="MPI.COMM_WORLD"):
        tessera.open(photo).numpy(communicator="world")


def test_communicators_of_another_mpi_are_refused(photo):
    from tessera import _tessera

    with pytest.raises(tessera.UsageError, match="another MPI"):
        tessera.open(photo)._core.pixels(_tessera.CallOptions(0, None, os.getpid() * 8, 3))
