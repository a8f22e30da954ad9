"""What exiftool and Pillow find in results: metadata must be valid, and true of the result.

usage: python3 tests/judges/metadata.py PROGRAM
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image, ImageOps

DATA = pathlib.Path(__file__).resolve().parents[1] / "data/metadata"
FORMATS = ("jpg", "png", "tif", "webp")
CROP = "crop x=1 y=1 width=20 height=20"

# What exiftool would like to see besides, and a kind of compression that is younger than TIFF 6.
ACCEPTED_WARNINGS = ("Missing required", "[minor]", "Invalid value for IFD0 tag 0x0103 Compression")


class Judge:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.problems = []
        self.checked = 0

    def process(self, name, pipeline, form):
        """The result, and what exiftool says of it."""
        result = self.folder / f"{pathlib.Path(name).stem}.{form}"
        subprocess.run([self.program, "apply", pipeline, DATA / name, "-o", result, "--force", "--quiet"], check=True)
        (found,) = json.loads(subprocess.run(["exiftool", "-j", "-n", "-G0", "-validate", "-a", "-all", result],
                                             check=True, capture_output=True, text=True).stdout)
        where = f"{name} | {pipeline} -> {form}"
        warnings = found.get("ExifTool:Warning", [])
        for warning in [warnings] if isinstance(warnings, str) else warnings:
            self.expect(warning.startswith(ACCEPTED_WARNINGS), f"{where}: exiftool warns: {warning}")
        return where, result, found

    def expect(self, holds, sentence):
        self.checked += 1
        if not holds:
            self.problems.append(sentence)

    def expect_resolution(self, name, pipeline, form, x, y):
        """Dots per inch, to what whole dots per metre can say."""
        where, _, found = self.process(name, pipeline, form)
        got = density(found)
        self.expect(got is not None and abs(got[0] - x) < 0.02 and abs(got[1] - y) < 0.02,
                    f"{where}: {got} dpi, not {x} x {y}")


def one(found, tag):
    """The value of a tag, from whichever group has it."""
    return next((value for key, value in found.items() if key.partition(":")[2] == tag), None)


def density(found):
    """Dots per inch as the format's own fields say, else EXIF."""
    if "PNG:PixelsPerUnitX" in found:
        return found["PNG:PixelsPerUnitX"] * 0.0254, found["PNG:PixelsPerUnitY"] * 0.0254
    group = "JFIF" if "JFIF:XResolution" in found else "EXIF"
    if f"{group}:XResolution" not in found:
        return None
    per_inch = {("JFIF", 1): 1, ("JFIF", 2): 2.54, ("EXIF", 2): 1, ("EXIF", 3): 2.54}.get(
        (group, found.get(f"{group}:ResolutionUnit")))
    return per_inch and (found[f"{group}:XResolution"] * per_inch, found[f"{group}:YResolution"] * per_inch)


def judge_exif(judge):
    for form in FORMATS:
        where, result, found = judge.process("thumb.jpg", CROP, form)
        judge.expect(one(found, "ThumbnailImage") is None and one(found, "ThumbnailLength") is None,
                     f"{where}: the thumbnail of the uncropped picture is kept")
        judge.expect(one(found, "ExifImageWidth") in (None, 20), f"{where}: ExifImageWidth is stale")
        judge.expect(one(found, "Orientation") in (None, 1), f"{where}: it will be turned again")
        where, result, found = judge.process("orient6.tif", "crop", form)
        for tag in ("Artist", "Copyright", "Make"):
            judge.expect(one(found, tag) is not None, f"{where}: {tag} is lost")
        judge.expect(one(found, "Orientation") in (None, 1), f"{where}: it will be turned again")
        for name in ("orient6.tif", "orient6_long.jpg"):
            where, result, _ = judge.process(name, "crop", form)
            turned = Image.open(DATA / name)
            turned.load()  # which turns a TIFF
            turned = turned if turned.format == "TIFF" else ImageOps.exif_transpose(turned)
            judge.expect(Image.open(result).size == turned.size, f"{where}: not turned as Pillow turns it")
            if form in ("png", "tif"):
                judge.expect(list(Image.open(result).convert("RGB").getdata()) == list(turned.convert("RGB").getdata()),
                             f"{where}: other pixels than Pillow's")


def judge_resolution(judge):
    for form in FORMATS:
        judge.expect_resolution("dpi72.jpg", "crop", form, 72, 72)
        judge.expect_resolution("dpi600.jpg", "crop", form, 600, 600)
        judge.expect_resolution("fax204x98.tif", "crop", form, 204, 98)
        judge.expect_resolution("fax204x98.tif", "rotate angle=90", form, 98, 204)
        where, _, found = judge.process("microscope.tif", "crop", form)
        got = density(found)
        judge.expect(got is None or abs(got[0] - 254000) < 1, f"{where}: {got} dpi, not 254000 or none")
    where, _, found = judge.process("aspect2x1.jpg", "crop", "jpg")
    judge.expect(found["JFIF:ResolutionUnit"] == 0 and found["JFIF:XResolution"] == 2 * found["JFIF:YResolution"],
                 f"{where}: not 2:1 any more")


def judge_color(judge):
    for form in FORMATS:
        for name in ("rgb_icc.png", "rgb_icc.jpg"):
            where, result, found = judge.process(name, "crop", form)
            judge.expect(one(found, "ColorSpaceData") == "RGB ", f"{where}: the profile is lost")
            where, result, found = judge.process(name, "grayscale", form)
            gray = Image.open(result).mode in ("L", "I;16")
            judge.expect(one(found, "ColorSpaceData") in (None, "GRAY" if gray else "RGB "),
                         f"{where}: a profile for {one(found, 'ColorSpaceData')}")
        for pipeline in ("crop", "to-rgb"):
            where, result, found = judge.process("gray_icc.jpg", pipeline, form)
            gray = Image.open(result).mode in ("L", "I;16")
            judge.expect(one(found, "ColorSpaceData") in (None, "GRAY" if gray else "RGB "),
                         f"{where}: a profile for {one(found, 'ColorSpaceData')}")
    where, _, found = judge.process("gamma10_16bit.png", "flip", "png")
    judge.expect(found.get("PNG:Gamma") == 1, f"{where}: gamma is {found.get('PNG:Gamma')}, not 1")
    where, _, found = judge.process("gamma_chrm_srgb.png", "flip", "png")
    before = json.loads(subprocess.run(["exiftool", "-j", "-n", "-PNG-cHRM:all", DATA / "gamma_chrm_srgb.png"],
                                       check=True, capture_output=True, text=True).stdout)[0]
    for tag, value in before.items():
        judge.expect(tag == "SourceFile" or one(found, tag) == value, f"{where}: {tag} is {one(found, tag)}, not {value}")


def main():
    with tempfile.TemporaryDirectory(prefix="tessera-judge-") as folder:
        judge = Judge(sys.argv[1], pathlib.Path(folder))
        judge_exif(judge)
        judge_resolution(judge)
        judge_color(judge)
    print("\n".join(judge.problems))
    print(f"{judge.checked} statements checked, {len(judge.problems)} do not hold")
    sys.exit(1 if judge.problems or judge.checked < 100 else 0)


main()
