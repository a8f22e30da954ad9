"""Inputs, what is asked of them, and what must come of them."""
import dataclasses
import hashlib
import random
import subprocess


@dataclasses.dataclass
class Case:
    name: str
    content: bytes
    pipeline: str
    format: str
    expected: bytes = b""  # SHA-256 of the result
    fails_with: str = ""   # or the code of its failure
    weight: int = 1        # how often clients choose it


def picture(width, height, seed):
    return b"P6\n%d %d\n255\n" % (width, height) + random.Random(seed).randbytes(width * height * 3)


def make_cases(program, folder):
    cases = [
        Case("small.ppm", picture(61, 47, 1), "invert", "png", weight=4),
        Case("blur.ppm", picture(301, 203, 2), "gaussian-blur sigma=2 | otsu", "png", weight=4),
        Case("photo.ppm", picture(900, 700, 3), "resize width=400 | unsharp-mask", "jpg", weight=2),
        Case("statistics.ppm", picture(640, 480, 4), "clahe | median size=5", "tif", weight=2),
        Case("slow.ppm", picture(500, 400, 5), "non-local-means search-radius=10", "png"),
        Case("large.ppm", picture(3000, 2000, 6), "gaussian-blur sigma=5 | canny", "png"),
        Case("short.ppm", picture(80, 60, 7)[:5000], "invert", "png", fails_with="damaged-input"),
        Case("empty-crop.ppm", picture(40, 30, 8), "crop x=90", "png", fails_with="bad-parameter"),
    ]
    for case in cases:
        if case.fails_with:
            continue
        source, result = folder / case.name, folder / (case.name + "." + case.format)
        source.write_bytes(case.content)
        subprocess.run([program, "apply", case.pipeline, source, "-o", result, "--quiet"], check=True)
        case.expected = hashlib.sha256(result.read_bytes()).digest()
    return cases
