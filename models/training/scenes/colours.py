"""Colour words that are true of pixels.

A pixel's colour word comes from its place in CIE L*a*b* (D65), with borders set so that neighbouring
words (red/orange, blue/turquoise, brown/orange, white/grey) fall where people put them on matt surfaces.
"""

from __future__ import annotations

import cv2
import numpy as np

WORDS = ("black", "white", "gray", "red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink",
         "brown", "beige")
INDEX = {word: i for i, word in enumerate(WORDS)}

#: Words of asset descriptions and of people, as the base words they are shades of.
BASE = {
    "grey": "gray", "silver": "gray", "dark gray": "gray", "light gray": "gray", "charcoal": "black",
    "gold": "yellow", "golden": "yellow", "mustard": "yellow", "pale yellow": "yellow", "neon yellow": "yellow",
    "lemon": "yellow", "lime": "green", "olive": "green", "neon green": "green", "dark green": "green",
    "light green": "green", "teal": "turquoise", "cyan": "turquoise", "light blue": "blue", "dark blue": "blue",
    "navy blue": "blue", "navy": "blue", "slate blue": "blue", "sky blue": "blue", "dark red": "red",
    "maroon": "red", "crimson": "red", "terracotta": "orange", "coral": "red", "tan": "beige", "cream": "beige",
    "light brown": "brown", "dark brown": "brown", "mocha": "brown", "magenta": "pink", "dark pink": "pink",
    "violet": "purple", "dark purple": "purple", "avocado": "green", "ivory": "beige", "sand": "beige",
}

#: Words that may both be said of one surface: never use one as the proof that the other is absent.
NEAR = {
    "black": {"gray", "brown", "blue"}, "white": {"gray", "beige"}, "gray": {"white", "black", "blue", "beige"},
    "red": {"orange", "pink", "brown"}, "orange": {"red", "yellow", "brown"}, "yellow": {"orange", "beige", "green"},
    "green": {"turquoise", "yellow"}, "turquoise": {"green", "blue"}, "blue": {"turquoise", "purple"},
    "purple": {"blue", "pink"}, "pink": {"red", "purple"}, "brown": {"orange", "beige", "red", "black"},
    "beige": {"white", "yellow", "brown", "gray"},
}

#: Typical sRGB values, for tints and procedural objects: (word, (r, g, b)).
PALETTE: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((28, 28, 30), (38, 36, 35)), "white": ((240, 240, 238), (250, 248, 244)),
    "gray": ((128, 128, 130), (150, 152, 155), (105, 106, 110)), "red": ((200, 28, 30), (170, 20, 28), (222, 44, 40)),
    "orange": ((240, 120, 20), (232, 104, 28), (246, 140, 40)), "yellow": ((246, 208, 30), (250, 222, 70), (236, 192, 20)),
    "green": ((40, 140, 60), (90, 170, 50), (20, 105, 55)), "turquoise": ((30, 170, 170), (60, 190, 185), (0, 140, 145)),
    "blue": ((30, 80, 190), (22, 50, 130), (70, 130, 215)), "purple": ((110, 50, 150), (130, 80, 180), (85, 35, 120)),
    "pink": ((240, 120, 170), (235, 90, 150), (246, 165, 195)), "brown": ((110, 68, 38), (92, 55, 32), (130, 82, 50)),
    "beige": ((222, 200, 165), (210, 188, 150)),
}


def classify(rgb: np.ndarray) -> np.ndarray:
    """Word index (see WORDS) of every pixel. rgb: uint8 [..., 3]; result uint8 [...]."""
    flat = np.ascontiguousarray(rgb.reshape(-1, 1, 3)).astype(np.float32) / 255.0
    lab = cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    light, a, b = lab[:, 0], lab[:, 1], lab[:, 2]
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360.0
    out = np.full(light.shape, INDEX["gray"], np.uint8)

    def put(word: str, where: np.ndarray) -> None:
        out[where] = INDEX[word]

    grey_limit = np.where(light < 25, 10.0, np.where((hue > 200) & (hue < 320), 10.0, 11.0))
    grey = chroma < grey_limit
    put("white", grey & (light >= 78))
    put("black", grey & (light < 27))
    vivid = ~grey
    put("red", vivid & ((hue < 45) | (hue >= 350)))
    put("orange", vivid & (hue >= 45) & (hue < 74))
    put("yellow", vivid & (hue >= 74) & (hue < 103))
    put("green", vivid & (hue >= 103) & (hue < 168))
    put("turquoise", vivid & (hue >= 168) & (hue < 228))
    put("blue", vivid & (hue >= 228) & (hue < 300))
    put("purple", vivid & (hue >= 300) & (hue < 335))
    put("pink", vivid & (hue >= 335) & (hue < 350))
    put("pink", vivid & ((hue < 25) | (hue >= 335)) & (light >= 56))
    put("pink", vivid & (hue >= 315) & (hue < 335) & (light >= 60) & (chroma > 30))
    put("purple", vivid & (hue >= 325) & (light < 45) & (chroma < 48))
    # Blues of L*a*b* bend towards purple when saturated; dim and dull warm hues are brown, pale ones beige.
    put("blue", vivid & (hue >= 300) & (hue < 309) & (b < -40))
    put("brown", vivid & (hue >= 30) & (hue < 92) & (light < 46) & (chroma < 42))
    put("brown", vivid & (hue >= 50) & (hue < 80) & (light < 42))
    put("brown", vivid & (hue >= 45) & (hue < 80) & (light < 58) & (chroma < 34))
    put("beige", vivid & (hue >= 55) & (hue < 100) & (light >= 58) & (chroma < 32))
    put("white", vivid & (hue >= 60) & (hue < 120) & (light >= 88) & (chroma < 14))
    put("black", vivid & (light < 14))
    return out.reshape(rgb.shape[:-1])


def shares(rgb: np.ndarray) -> np.ndarray:
    """Share of each word (order of WORDS) among the given pixels. rgb: uint8 [n, 3]."""
    if len(rgb) == 0:
        return np.zeros(len(WORDS))
    return np.bincount(classify(rgb).reshape(-1), minlength=len(WORDS)) / len(rgb)




def words_of(share: np.ndarray, described: list[str] | None = None, least: float = 0.18) -> list[str]:
    """True colour words, the largest share first.

    With `described` (an asset's own words) only those stay which at least 12 % of the pixels bear out, counting
    shades beside them (a shaded red is partly brown), unless one word alone covers more than 60 %.
    """
    order = np.argsort(-share)
    measured = [WORDS[i] for i in order if share[i] >= least]
    if described is None:
        return measured[:3]
    kept: list[tuple[float, str]] = []
    bases = [w for w in dict.fromkeys(BASE.get(w, w) for w in described) if w in INDEX]
    for word in bases:
        own = share[INDEX[word]]
        around = own + sum(share[INDEX[n]] for n in NEAR[word] if n not in bases) * 0.5
        if (own >= 0.08 and around >= 0.12) or (own >= 0.03 and around >= 0.3):
            kept.append((own, word))
    kept.sort(reverse=True)
    words = [w for _, w in kept]
    for i in order:
        if share[i] >= 0.6 and WORDS[i] not in words and not any(WORDS[i] in NEAR[b] for b in bases):
            words.insert(0, WORDS[i])
    return words[:3]
