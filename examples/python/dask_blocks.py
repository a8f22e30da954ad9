#!/usr/bin/env python3
"""dask_blocks.py PHOTO RESULT: a Tessera pipeline on the blocks of a dask array, in place of a function of SciPy's.

The blocks overlap by as many pixels as the pipeline looks around itself, so the cut does not show.
"""
import sys

import dask.array
import numpy
import tessera

PIPELINE = tessera.ops.gaussian_blur(sigma=2) | tessera.ops.sharpen(amount=1)
#: 3 sigma = 6 pixels for the blur of 8-bit samples, 1 for the sharpening.
DEPTH_PX = 7


def apply(block):
    # One thread for each block: dask works on several blocks at once.
    return tessera.from_array(block).apply(PIPELINE).numpy(threads=1)


def main():
    photo = tessera.open(sys.argv[1])
    blocks = dask.array.from_array(numpy.asarray(photo), chunks=(200, 256, -1))
    # At the edges of the image the pipeline's own border is right.
    result = dask.array.map_overlap(apply, blocks, depth=(DEPTH_PX, DEPTH_PX, 0), boundary="none", dtype=blocks.dtype,
                                    meta=numpy.empty((0, 0, 0), blocks.dtype))
    array = result.compute()
    tessera.from_array(array).save(sys.argv[2])
    whole = photo.apply(PIPELINE).numpy()
    print(f"{result.npartitions} blocks; pixels that differ from the whole: {numpy.count_nonzero(array != whole)}")


main()
