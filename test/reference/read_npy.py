"""Prints [shape, dtype, value at (x1, y1), value at (x2, y2)] of a .npy map; places as shares of width and height."""

import json
import sys

import numpy as np

path, *places = sys.argv[1:]
array = np.load(path)
height, width = array.shape
x1, y1, x2, y2 = (float(p) for p in places)
print(
    json.dumps(
        [
            list(array.shape),
            str(array.dtype),
            float(array[int(y1 * height), int(x1 * width)]),
            float(array[int(y2 * height), int(x2 * width)]),
        ]
    )
)
