#!/usr/bin/env python3
"""scan.py PHOTO RESULT: makes a black-and-white scan of a photographed page, and says what a corner of it looks like."""
import sys

import tessera


def main():
    photo = tessera.open(sys.argv[1])
    scan = photo.apply(tessera.ops.median(size=5) | tessera.ops.otsu())
    report = scan.save(sys.argv[2], progress=lambda progress: print(f"\r{progress.fraction:4.0%}", end="", file=sys.stderr))
    print(*report.warnings, sep="\n", file=sys.stderr)
    print(f"{scan.width} x {scan.height} pixels in {report.output_bytes} bytes")

    # A part as a numpy array; no more is computed than it needs.
    corner = photo.apply("gaussian-blur sigma=2")[:32, :32]
    print(f"The mean of the photo's corner, blurred, is {corner.mean():.1f}")


try:
    main()
except tessera.Error as error:
    sys.exit(str(error))
