"""Scanned assets as Things: names people use, splits by asset, truthful tints; and surfaces by split."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from .colours import BASE, WORDS
from .shapes import Part, Rng, Thing, colour

#: Asset category -> the plain names people give it, the first one the usual one.
NAMES: dict[str, list[str]] = {
    "pill bottle": ["pill bottle", "medicine bottle", "bottle", "pills"], "cosmetics box": ["cosmetics box", "box", "package"],
    "flower pot": ["flower pot", "plant pot", "pot", "planter"], "medicine box": ["medicine box", "box", "package"],
    "toy cup": ["cup", "toy cup", "plastic cup"], "ink cartridge box": ["ink cartridge box", "box", "package"],
    "candy box": ["candy box", "box", "package"], "mug": ["mug", "cup", "coffee mug"], "snack box": ["snack box", "box", "package"],
    "toy brick": ["toy brick", "lego brick", "brick", "toy block", "block"], "saucer": ["saucer", "small plate", "dish", "plate"],
    "can": ["can", "tin", "food can"], "game case": ["game case", "case", "video game"], "marker": ["marker", "pen", "marker pen"],
    "electronics box": ["electronics box", "box", "package"], "board game": ["board game", "game box", "box"], "craft box": ["craft box", "box", "package"],
    "clamp": ["clamp", "spring clamp"], "coffee box": ["coffee box", "box", "package"], "crayon box": ["crayon box", "box of crayons", "box"],
    "DVD case": ["dvd case", "dvd", "case"], "game cartridge": ["game cartridge", "cartridge"], "toy animal": ["toy animal", "toy"],
    "tape roll": ["tape", "roll of tape", "tape roll"], "toy tool": ["toy tool", "plastic part", "toy"], "toiletry bottle": ["bottle", "plastic bottle", "toiletry bottle"],
    "handheld console": ["game console", "handheld console"], "dish": ["dish", "small dish", "saucer"], "hair dye box": ["hair dye box", "box", "package"],
    "electronics": ["electronic device", "device"], "toy furniture": ["toy furniture", "toy"], "protein box": ["protein box", "box", "package"],
    "candy jar": ["candy jar", "jar", "container"], "baking mix box": ["baking mix box", "box", "package"], "cracker box": ["cracker box", "box", "package"],
    "pet bowl": ["dog bowl", "bowl", "pet bowl"], "toy puzzle": ["puzzle", "wooden puzzle", "toy"], "dessert box": ["dessert box", "box", "package"],
    "glue": ["glue bottle", "glue", "bottle"], "kitchen utensil": ["kitchen utensil", "kitchen tool"], "pet toy": ["pet toy", "toy"],
    "hygiene box": ["hygiene box", "box", "package"], "pitcher": ["pitcher", "jug"], "remote control": ["remote control", "remote", "tv remote"],
    "software box": ["software box", "box"], "toy vehicle": ["toy airplane", "toy plane", "airplane", "toy"], "cosmetic tube": ["tube", "squeeze tube", "lotion tube"],
    "cleaning bottle": ["bleach bottle", "cleaning bottle", "bottle"], "toy block": ["block", "cube", "toy block", "wooden block"], "book": ["book", "paperback"],
    "pan": ["cake pan", "baking pan", "pan"], "candy bar": ["candy bar", "chocolate bar"], "card game": ["card game", "game box", "box"], "cereal box": ["cereal box", "box"],
    "stationery": ["correction pen", "pen"], "dice": ["dice", "die"], "brick": ["brick", "foam brick"], "game controller": ["game controller", "gamepad", "controller"],
    "gum pack": ["gum box", "gum pack", "box"], "condiment bottle": ["mustard bottle", "bottle", "mustard"], "kitchen box": ["parchment paper box", "box"],
    "playing cards": ["deck of cards", "playing cards", "cards"], "power drill": ["power drill", "drill", "cordless drill"], "puzzle cube": ["puzzle cube", "rubik's cube", "cube"],
    "soap": ["soap", "bar of soap", "soap bar"], "sugar box": ["sugar box", "box"], "knife": ["knife", "table knife"], "tablet": ["tablet", "tablet computer"],
    "toothpaste": ["toothpaste", "toothpaste tube", "tube"], "wood block": ["wooden block", "block of wood", "block"], "wristband": ["wristband", "bracelet"],
    "ball": ["ball"], "bowl": ["bowl", "dish"], "plate": ["plate", "dish"], "tray": ["tray", "dish"], "spatula": ["spatula", "turner"], "cup": ["cup"], "jar": ["jar", "container"],
    "bell": ["bell", "hand bell"], "padlock": ["padlock", "lock"], "peg board": ["peg board", "wooden board"], "magnifying glass": ["magnifying glass", "magnifier"],
    "hammer": ["hammer"], "scissors": ["scissors", "pair of scissors"], "wrench": ["wrench", "spanner", "adjustable wrench"], "teapot": ["teapot"], "spoon rest": ["spoon rest"],
    "speaker": ["speaker", "portable speaker"], "stapler": ["stapler"], "ramekin": ["ramekin", "small bowl", "bowl"],
}
#: Single assets whose category says too little or too much.
BY_ID: dict[str, list[str]] = {
    "baseball": ["baseball", "ball"], "golf_ball": ["golf ball", "ball"], "tennis_ball": ["tennis ball", "ball"], "soccer_ball": ["soccer ball", "ball", "football"],
    "softball": ["softball", "ball"], "ball_red_small": ["marble", "ball"], "racquetball": ["ball", "rubber ball"], "treat_ball": ["ball", "puzzle ball"],
    "shark_toy": ["toy shark", "shark", "toy"], "snail_toy": ["snail toy", "toy snail", "toy"], "whale_toy": ["toy whale", "whale", "toy"], "lion_toy": ["toy lion", "lion", "toy"],
    "coffee_can": ["coffee can", "can", "tin can", "tin"], "fish_tin": ["fish tin", "fish can", "can", "tin"], "spam_can": ["meat can", "can", "tin"],
    "tomato_soup_can": ["soup can", "can", "tin"], "tuna_can": ["tuna can", "can", "tin"], "hard_drive_blue": ["hard drive", "external drive"],
    "hard_drive_silver": ["hard drive", "external drive"], "photo_printer_white": ["photo printer", "printer"], "honey_dipper": ["honey dipper", "wooden stick"],
    "lime_squeezer": ["lime squeezer", "citrus press"], "toy_drill": ["toy drill", "toy"], "rubber_mallet": ["mallet", "hammer", "rubber mallet"],
    "kong_toy_pink": ["dog toy", "pet toy", "toy"], "wristband_pink": ["wristband", "bracelet"], "toy_sink": ["toy sink", "toy"], "toy_fridge": ["toy fridge", "toy refrigerator", "toy"],
    "toy_table_purple": ["toy table", "toy stool", "toy"], "protein_jar": ["protein jar", "jar", "tub"], "xylitol_jar": ["jar", "tub"],
    "spray_bottle_teal": ["spray bottle", "bottle"], "shampoo_bottle": ["shampoo bottle", "bottle"], "conditioner_bottle": ["conditioner bottle", "bottle"],
}
#: Tints that stay truthful for things whose kind fixes the colour.
TINTS = {"apple": ("red", "green", "yellow"), "soap": ("white", "blue", "green", "pink", "yellow"), "teapot_white": ("white", "blue", "red", "green", "black", "beige")}
NO_TINT = {"plum", "banana", "orange", "lemon", "peach", "pear"}
SOURCE_FRACTIONS = (0.74, 0.86)  # below the first: train; below the second: val; the rest: test
COLOUR_RE = re.compile(r"\b(" + "|".join(sorted(map(re.escape, [*BASE, *WORDS, "colored", "colorful", "dark", "pale", "light", "clear"]), key=len, reverse=True)) + r")\b", re.I)


def share(key: str) -> float:
    """A stable number in 0..1 for a name."""
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def split_of(key: str) -> str:
    x = share(key)
    return "train" if x < SOURCE_FRACTIONS[0] else "val" if x < SOURCE_FRACTIONS[1] else "test"


class Assets:
    """The asset pack, by split. Splits are by asset; the one asset of a single-asset category trains unless drawn."""

    def __init__(self, root: Path):
        self.root = root
        self.rows = {r["id"]: r for r in json.loads((root / "objects/index.json").read_text())}
        self.split = {i: split_of("asset:" + i) for i in self.rows}
        self.by: dict[str, dict[str, list[str]]] = {s: {} for s in ("train", "val", "test")}
        for i, r in self.rows.items():
            self.by[self.split[i]].setdefault(r["category"], []).append(i)
        self.textures: dict[str, dict[str, list[dict]]] = {s: {} for s in ("train", "val", "test")}
        for t in json.loads((root / "textures/index.json").read_text()):
            self.textures[split_of("texture:" + t["file"])].setdefault(t["kind"], []).append(t)
        self.backgrounds: dict[str, list[str]] = {s: [] for s in ("train", "val", "test")}
        for b in sorted((root / "backgrounds").glob("*.jpg")):
            self.backgrounds[split_of("place:" + b.name.split("_")[0])].append(str(b))

    @lru_cache(maxsize=400)  # noqa: B019
    def mesh(self, ident: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
        """verts, faces, uv, uv faces, texture (RGB), convex parts."""
        folder = self.root / "objects" / ident
        verts, uv, faces, uvf = [], [], [], []
        for line in (folder / "visual.obj").read_text().splitlines():
            p = line.split()
            if not p:
                continue
            if p[0] == "v":
                verts.append([float(x) for x in p[1:4]])
            elif p[0] == "vt":
                uv.append([float(x) for x in p[1:3]])
            elif p[0] == "f":
                ids = [[int(x) for x in q.split("/")[:2]] for q in p[1:]]
                for k in range(1, len(ids) - 1):
                    tri = (ids[0], ids[k], ids[k + 1])
                    faces.append([t[0] - 1 for t in tri])
                    uvf.append([t[1] - 1 for t in tri])
        hulls: list[list[list[float]]] = []
        for line in (folder / "collision.obj").read_text().splitlines():
            if line.startswith("o "):
                hulls.append([])
            elif line.startswith("v "):
                hulls[-1].append([float(x) for x in line.split()[1:4]])
        tex = cv2.cvtColor(cv2.imread(str(folder / "texture.jpg")), cv2.COLOR_BGR2RGB)
        return (np.array(verts, np.float32), np.array(faces, np.int32), np.array(uv, np.float32), np.array(uvf, np.int32), tex,
                [np.array(h, np.float32) for h in hulls])

    def thing(self, ident: str, rng: Rng, tint_p: float = 0.5) -> Thing:
        row = self.rows[ident]
        verts, faces, uv, uvf, tex, hulls = self.mesh(ident)
        colours = list(row["colours"])
        tinted = row["tintable"] and ident not in NO_TINT and rng.random() < tint_p
        if tinted:
            word, value = colour(rng, TINTS.get(ident))
            lum = tex.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
            gain = np.clip(lum / max(float(np.median(lum)), 20.0), 0.3, 1.35)
            tex = np.clip(value[None, None] * 255 * gain[..., None], 0, 255).astype(np.uint8)
            colours = [word]
        k = float(rng.uniform(0.88, 1.12))
        part = Part(verts * k, faces, texture=tex, uv=uv, uv_faces=uvf, specular=float(rng.uniform(0.1, 0.5)), shininess=float(rng.uniform(0.2, 0.7)), hulls=[h * k for h in hulls])
        names = list(BY_ID.get(ident) or NAMES.get(row["category"], [row["category"]]))
        thing = Thing(names[0], [part], colours, row["material"], list(row["shape"]), ident + (f"+{colours[0]}" if tinted else ""), names, row["category"], bool(row["container"]))
        if not tinted:
            thing.phrases = [n for n in row["names"]]  # type: ignore[attr-defined]
        return thing

    @lru_cache(maxsize=600)  # noqa: B019
    def surface(self, file: str, size: int = 512) -> np.ndarray:
        img = cv2.cvtColor(cv2.imread(str(self.root / "textures" / file)), cv2.COLOR_BGR2RGB)
        return cv2.resize(img, (size, size), interpolation=cv2.INTER_AREA)

    @lru_cache(maxsize=64)  # noqa: B019
    def background(self, file: str) -> np.ndarray:
        return cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB)
