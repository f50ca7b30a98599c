"""Sum (weighted by position), known pixels and middle pixel of a 16-bit depth picture, as JSON."""

import json
import sys

import numpy as np
from PIL import Image

depth = np.asarray(Image.open(sys.argv[1])).astype(np.int64)
weights = np.arange(depth.size) % 97 + 1
print(json.dumps([int((depth.ravel() * weights).sum()), int((depth > 0).sum()), int(depth[240, 320])]))
