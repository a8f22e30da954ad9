"""The examples run, and do what they say."""
import subprocess
import sys

import numpy
import PIL.Image
import pytest

import tessera


def run(program, *arguments):
    done = subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_scan(sources, photo, tmp_path, command):
    done = run(sources / "examples/python/scan.py", photo, tmp_path / "scan.png")
    assert (tmp_path / "scan.png").read_bytes() == command("median size=5 | otsu", photo)
    mean = tessera.open(photo).apply("gaussian-blur sigma=2").numpy()[:32, :32].mean()
    assert "768 x 512 pixels" in done.stdout and f"{mean:.1f}" in done.stdout
    assert "100%" in done.stderr
    assert len((sources / "examples/python/scan.py").read_text().splitlines()) < 25


def test_scan_says_what_is_wrong(sources, tmp_path):
    done = subprocess.run([sys.executable, sources / "examples/python/scan.py", tmp_path / "none.png", "a.png"],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "none.png" in done.stderr and "Traceback" not in done.stderr


def test_dask_blocks(sources, photo, tmp_path):
    pytest.importorskip("dask.array", reason="python3-dask is not installed")
    done = run(sources / "examples/python/dask_blocks.py", photo, tmp_path / "result.png")
    assert done.stdout == "9 blocks; pixels that differ from the whole: 0\n"
    expected = tessera.open(photo).apply("gaussian-blur sigma=2 | sharpen amount=1").numpy()
    assert numpy.array_equal(PIL.Image.open(tmp_path / "result.png"), expected)


def test_first_lines_of_the_documentation(sources, photo, tmp_path, monkeypatch):
    """Each block of docs/python.md that is marked as runnable runs."""
    text = (sources / "docs/python.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    runnable = [block for block in blocks if "tessera.Client" not in block and "AsyncClient" not in block
                and "MPI" not in block]
    assert len(runnable) >= 4
    monkeypatch.chdir(tmp_path)
    tessera.open(photo).save("photo.jpg")
    names = {}
    for block in runnable:
        exec(compile(block, "docs/python.md", "exec"), names)  # one after the other, as a reader types them
    assert (tmp_path / "scan.png").exists()
