#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""write.py TESSERA PAGE: writes the page of all operators from the catalogue, and the pictures that it shows, in the folder
PAGE without '.md'. All pictures are made by TESSERA from the photographs of examples/photos."""

import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import zlib

PHOTOS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "photos"

# Pictures before: a photograph, and what makes them of it.
BEFORE = {
    "parrots": ("parrots.png", "resize 360x240"),
    "window": ("window.png", "resize 360x240"),
    "statue": ("statue.png", "crop x=80 y=60 width=420 height=280 | resize 360x240"),
    "head": ("parrots.png", "crop x=380 y=95 width=270 height=180 | resize 360x240"),
    "flat": ("window.png", "resize 360x240 | brightness-contrast brightness=-25 contrast=0.4"),
    "noise": ("parrots.png", "resize 360x240 | watermark image=noise.png width=0 position=center margin=0 opacity=0.25"),
    "specks": ("parrots.png", "resize 360x240 | watermark image=specks.png width=0 position=center margin=0 opacity=1"),
    "shutters": ("window.png", "crop x=165 y=20 width=300 height=200 | resize 360x240"),
    "framed": ("parrots.png", "crop x=380 y=95 width=270 height=180 | resize 240x160 | pad left=40 right=80 top=50 bottom=30 fill=#e0e0d8"),
    "shapes": ("window.png", "resize 360x240 | gaussian-blur sigma=1 | otsu"),
    "objects": ("window.png", "resize 360x240 | gaussian-blur sigma=1 | otsu | invert"),
}

# Of each operator the picture before, and the step whose result is shown. The size of the pictures is small, so the parameters
# are those at which the effect shows.
SHOWN = {
    "invert": ("parrots", "invert"),
    "grayscale": ("parrots", "grayscale"),
    "brightness-contrast": ("flat", "brightness-contrast brightness=50 contrast=2.2"),
    "gamma": ("statue", "gamma gamma=2.2"),
    "auto-levels": ("flat", "auto-levels"),
    "equalize": ("statue", "equalize"),
    "clahe": ("flat", "clahe clip-limit=4"),
    "white-balance": ("window", "white-balance"),
    "saturate": ("window", "saturate factor=2"),
    "hue": ("parrots", "hue degrees=120"),
    "sepia": ("parrots", "sepia"),
    "box-blur": ("parrots", "box-blur radius=6"),
    "gaussian-blur": ("parrots", "gaussian-blur sigma=4"),
    "median": ("specks", "median size=3"),
    "bilateral": ("noise", "bilateral radius=6 sigma-color=60 sigma-space=4"),
    "non-local-means": ("noise", "non-local-means strength=22"),
    "motion-blur": ("parrots", "motion-blur length=25 angle=20"),
    "sharpen": ("head", "sharpen"),
    "unsharp-mask": ("head", "unsharp-mask sigma=3 amount=1.5"),
    "sobel": ("window", "sobel"),
    "prewitt": ("window", "prewitt"),
    "roberts": ("shapes", "roberts"),
    "laplacian": ("window", "laplacian"),
    "canny": ("parrots", "canny low=80 high=200"),
    "hough-lines": ("shutters", "hough-lines votes=90 max-lines=12 width=2"),
    "harris": ("window", "harris quality=0.08"),
    "find-border": ("framed", "find-border"),
    "threshold": ("parrots", "threshold value=110"),
    "otsu": ("statue", "otsu"),
    "triangle": ("statue", "triangle"),
    "adaptive-mean": ("statue", "adaptive-mean block-size=25 c=4"),
    "adaptive-gaussian": ("statue", "adaptive-gaussian block-size=25 c=4"),
    "gaussian-otsu": ("window", "gaussian-otsu sigma=2"),
    "butterworth-low-pass": ("parrots", "butterworth-low-pass cutoff=0.04"),
    "butterworth-high-pass": ("parrots", "butterworth-high-pass cutoff=0.04"),
    "erode": ("shapes", "erode size=7"),
    "dilate": ("shapes", "dilate size=7"),
    "open": ("shapes", "open size=7"),
    "close": ("shapes", "close size=7"),
    "gradient": ("shapes", "gradient size=3"),
    "top-hat": ("shapes", "top-hat size=15"),
    "black-hat": ("shapes", "black-hat size=15"),
    "label": ("objects", "label"),
    "resize": ("parrots", "resize 240x240 fit=contain background=#ff8800"),
    "crop": ("parrots", "crop x=180 y=40 width=150 height=150"),
    "rotate": ("window", "rotate angle=-12 fill=white"),
    "flip": ("parrots", "flip axis=horizontal"),
    "pad": ("parrots", "pad left=90 right=90 mode=reflect101"),
    "watermark": ("parrots", 'watermark text="© Anna" width=40 opacity=0.7'),
}

# Operators whose result looks like what they are given.
UNSEEN = {"to-rgb"}


def write_png(path, width, height, pixels):
    """RGBA."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[y * width * 4:(y + 1) * width * 4] for y in range(height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_noise(folder):
    """noise.png, grain that covers all; specks.png, black and white pixels here and there."""
    numbers = random.Random(1)
    width, height = 360, 240
    grain = [numbers.randrange(256) for _ in range(width * height)]
    write_png(folder / "noise.png", width, height, b"".join(bytes((g, g, g, 255)) for g in grain))
    write_png(folder / "specks.png", width, height,
              b"".join(bytes((v, v, v, 255 if g < 12 else 0)) for g in grain for v in [255 * (g % 2)]))


def write_pictures(tessera, folder):
    """NAME.webp of each operator, and before-NAME.webp of what the operators are given."""
    def apply(pipeline, source, target, *options):
        subprocess.run([tessera, "apply", pipeline, source, "-o", target, "--quiet", "--force", *options], check=True, cwd=scratch)

    lossy = ("--quality", "75", "--strip")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        write_noise(scratch)
        for name, (photo, pipeline) in BEFORE.items():
            apply(pipeline, PHOTOS / photo, scratch / f"{name}.png")
            apply("", scratch / f"{name}.png", folder / f"before-{name}.webp", *lossy)
        for name, (before, step) in SHOWN.items():
            apply(step, scratch / f"{before}.png", folder / f"{name}.webp", *lossy)


def page(tessera, folder_name):
    """The text of the page, with links to pictures in a folder beside it."""
    text = subprocess.run([tessera, "ops", "--markdown"], check=True, capture_output=True, text=True).stdout
    text = text.replace("declarations.\n", "declarations. The pictures are made from [photographs that anybody may "
                        "use](../examples/photos/LICENCE.md).\n", 1)

    def with_pictures(section):
        name = section[1]
        if name not in SHOWN:
            return section[0]
        before, step = SHOWN[name]
        return (f"{section[0]}| before | `{step}` |\n|---|---|\n"
                f"| ![before]({folder_name}/before-{before}.webp) | ![{name}]({folder_name}/{name}.webp) |\n\n")

    # The description is the paragraph behind the heading.
    return re.sub(r"^### (\S+)\n\n.+\n\n", with_pictures, text, flags=re.MULTILINE)


def main():
    tessera, target = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    folder = target.with_suffix("")
    for old in folder.glob("*.webp"):
        old.unlink()
    write_pictures(tessera, folder)
    target.write_text(page(tessera, folder.name))


if __name__ == "__main__":
    main()
