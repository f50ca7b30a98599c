"""The second set of real photos in the data set's format: names people use, our own split, true colours.

    python models/training/photos2.py [--photos DIR] [--out DIR] [--side 512]

Reads ../shared/data/photos2, whose pictures are stored again with their longest side at most `--side` pixels. A tenth of
the series of shots is validation; the rest is for training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco
from tqdm import tqdm

from photos import USUAL, colours_of

#: Names by which people ask for an object, beside those that `spoken` derives.
NAMES: dict[str, list[str]] = {
    "computer mouse": ["computer mouse", "mouse"], "phone": ["phone", "cell phone", "smartphone", "mobile phone"], "monitor": ["monitor", "screen", "display"],
    "laptop": ["laptop", "computer", "notebook computer"], "keyboard": ["keyboard"], "tv": ["tv", "television", "screen"],
    "adjustable wrench": ["adjustable wrench", "wrench", "adjustable spanner", "spanner"], "wrench": ["wrench", "spanner"], "ratchet wrench": ["ratchet wrench", "ratchet", "wrench"],
    "water pump pliers": ["water pump pliers", "pliers", "pair of pliers"], "needle-nose pliers": ["needle-nose pliers", "pliers", "pair of pliers"], "cutting pliers": ["cutting pliers", "wire cutters", "pliers"],
    "hacksaw": ["hacksaw", "saw"], "power drill": ["power drill", "drill", "cordless drill"], "orange mallet": ["orange mallet", "mallet", "rubber mallet", "hammer"],
    "drinking glass": ["drinking glass", "glass", "glass cup"], "glass bowl": ["glass bowl", "bowl"], "glass jar": ["glass jar", "jar"], "glass cup": ["glass cup", "glass", "cup"], "frying pan": ["frying pan", "pan"],
    "soup bowl": ["soup bowl", "bowl"], "sauce plate": ["sauce plate", "sauce dish", "small dish", "small plate"], "black plate": ["black plate", "plate"], "white rectangular plate": ["white rectangular plate", "rectangular plate", "plate"],
    "hot plate": ["hot plate", "iron plate", "sizzling plate"], "soup spoon": ["soup spoon", "spoon"], "chopsticks": ["chopsticks", "pair of chopsticks"],
    "pepsi can": ["pepsi can", "can of pepsi", "pepsi", "soda can", "drink can", "can"], "coke can": ["coke can", "can of coke", "coke", "coca-cola can", "soda can", "drink can", "can"],
    "coke bottle": ["coke bottle", "bottle of coke", "coke", "coca-cola", "soda bottle", "bottle"], "pepsi bottle": ["pepsi bottle", "bottle of pepsi", "pepsi", "soda bottle", "bottle"],
    "kitkat": ["kitkat", "chocolate bar", "candy bar", "chocolate"], "bag of crisps": ["bag of crisps", "bag of chips", "chips", "crisps", "packet of chips"], "chocolate bar": ["chocolate bar", "chocolate", "bar of chocolate"],
    "packet of lemon puff biscuits": ["packet of biscuits", "biscuits", "cookies", "pack of cookies", "packet"], "nextar biscuit packet": ["biscuit packet", "packet of biscuits", "biscuits", "snack", "packet"], "steam cake packet": ["cake packet", "packet of cake", "snack", "packet"],
    "mandarin orange": ["mandarin", "mandarin orange", "tangerine", "clementine"], "red apple": ["red apple", "apple"], "granny smith apple": ["green apple", "granny smith", "apple"], "gala apple": ["gala apple", "apple"],
    "coffee sachet": ["coffee sachet", "sachet of coffee", "coffee packet", "coffee"], "carton of cream": ["carton of cream", "cream", "cream carton", "carton"], "box of cheese": ["box of cheese", "cheese", "cheese box"],
    "packet of instant noodles": ["packet of instant noodles", "instant noodles", "noodles", "ramen", "packet of noodles"], "bottle of rubbing alcohol": ["bottle of rubbing alcohol", "rubbing alcohol", "alcohol", "bottle of alcohol", "bottle"],
    "bottle of cooking oil": ["bottle of cooking oil", "cooking oil", "oil", "oil bottle", "bottle"], "soy sauce bottle": ["soy sauce bottle", "soy sauce", "bottle of soy sauce", "sauce", "bottle"],
    "mayonnaise jar": ["mayonnaise jar", "jar of mayonnaise", "mayonnaise", "mayo", "jar"], "peanut butter jar": ["peanut butter jar", "jar of peanut butter", "peanut butter", "jar"], "ketchup bottle": ["ketchup bottle", "ketchup", "bottle of ketchup", "tomato ketchup"],
    "can of tuna": ["can of tuna", "tuna", "tuna can", "tin of tuna", "can"], "can of corned beef": ["can of corned beef", "corned beef", "can of meat", "meat can", "can"], "can of condensed milk": ["can of condensed milk", "condensed milk", "milk can", "can"],
    "shampoo bottle": ["shampoo bottle", "shampoo", "bottle of shampoo", "bottle"], "soap box": ["soap box", "box of soap", "soap"], "toothpaste box": ["toothpaste box", "toothpaste", "box of toothpaste"], "medicine box": ["medicine box", "box of medicine", "medicine", "box of pills", "pill box", "box"],
    "plastic bottle": ["plastic bottle", "bottle", "water bottle"], "clear plastic bottle": ["clear plastic bottle", "plastic bottle", "bottle"], "plastic milk bottle": ["milk bottle", "plastic milk bottle", "bottle of milk", "milk", "bottle"], "milk bottle": ["milk bottle", "bottle of milk", "milk", "bottle"], "water bottle": ["water bottle", "bottle of water", "water", "bottle"], "glass bottle": ["glass bottle", "bottle"],
    "earphone case": ["earphone case", "earbud case", "earphones", "headphone case"], "airpods case": ["airpods case", "airpods", "earbud case", "earphone case"], "wireless earbud": ["wireless earbud", "earbud", "earphone", "earpiece"],
    "membership card": ["membership card", "card", "plastic card", "bank card"], "usb flash drive": ["usb flash drive", "usb stick", "flash drive", "thumb drive", "memory stick"], "eraser": ["eraser", "rubber"],
    "arduino nano": ["arduino nano", "arduino", "microcontroller", "circuit board", "electronic board"], "raspberry pi": ["raspberry pi", "single-board computer", "circuit board", "electronic board"], "ESP8266 board": ["ESP8266 board", "ESP8266", "microcontroller", "circuit board"], "ESP32 board": ["ESP32 board", "ESP32", "microcontroller", "circuit board"],
    "sneaker": ["sneaker", "shoe", "trainer"], "boot": ["boot", "shoe"], "sloth plush toy": ["sloth", "plush toy", "stuffed animal", "soft toy"], "wolf plush toy": ["wolf", "plush toy", "stuffed animal", "soft toy"], "teddy bear": ["teddy bear", "stuffed animal", "plush toy", "soft toy", "toy"], "poop emoji toy": ["poop emoji", "emoji toy", "toy"], "robot toy": ["robot toy", "toy robot", "robot", "toy"], "monster toy": ["monster toy", "monster", "toy"],
    "rubber duck": ["rubber duck", "duck", "toy duck"], "toy car": ["toy car", "car", "toy"], "dog backpack": ["backpack", "bag"], "red backpack": ["red backpack", "backpack", "bag", "rucksack"], "alarm clock": ["alarm clock", "clock"], "clock": ["clock"], "pink sunglasses": ["sunglasses", "glasses", "pair of sunglasses"],
    "toy hot dog": ["toy hot dog", "hot dog", "toy"], "toy sandwich": ["toy sandwich", "sandwich", "toy"], "toy burger": ["toy burger", "burger", "hamburger", "toy"], "glass of beer": ["glass of beer", "beer", "beer glass"], "bowl of blueberries": ["bowl of blueberries", "blueberries", "bowl"],
    "pop tab": ["pop tab", "can tab", "ring pull"], "carrier bag": ["carrier bag", "plastic bag", "shopping bag", "bag"], "garbage bag": ["garbage bag", "trash bag", "bin bag", "bag"], "paper bag": ["paper bag", "bag"], "bottle cap": ["bottle cap", "cap", "lid"], "lid": ["lid", "cap"], "aluminium foil": ["aluminium foil", "foil", "tin foil"], "plastic film": ["plastic film", "plastic wrap", "wrapper"],
    "food container": ["food container", "takeaway box", "container"], "drink can": ["drink can", "soda can", "can"], "food carton": ["food carton", "carton"], "drinking straw": ["drinking straw", "straw"], "piece of plastic": ["piece of plastic"], "slice of cheese": ["slice of cheese", "cheese"], "slice of watermelon": ["slice of watermelon", "watermelon"], "bunch of grapes": ["bunch of grapes", "grapes"], "red pepper": ["red pepper", "bell pepper", "pepper"], "red onion": ["red onion", "onion"],
    "coin": ["coin", "penny"], "pencil": ["pencil"], "pen": ["pen", "ballpoint pen", "biro"], "garlic": ["garlic", "head of garlic"], "person": ["person"], "hand": ["hand"], "cup": ["cup", "mug"], "tray": ["tray", "serving tray"],
}  # fmt: skip
CATEGORY = {"fork": "cutlery", "knife": "cutlery", "spoon": "cutlery", "soup spoon": "cutlery"}
MATERIAL = {"drinking glass": "glass", "glass bowl": "glass", "glass jar": "glass", "glass bottle": "glass", "wrench": "metal", "adjustable wrench": "metal", "fork": "metal", "paper bag": "paper"}
CLEAR = {"drinking glass", "glass bowl", "glass jar", "glass cup", "clear plastic bottle", "glass bottle"}

FOOD = ["apple", "orange", "banana", "lemon", "lime", "pear", "peach", "tomato", "potato", "carrot", "onion", "egg", "bread", "cheese", "strawberry", "cucumber", "donut", "sandwich", "pizza"]
GROCERIES = ["cereal box", "crackers", "mustard", "ketchup", "tuna", "coke", "milk", "cookies", "chips", "chocolate bar", "soy sauce", "peanut butter", "can of soup", "coffee", "sugar", "pasta", "tea box"]
KITCHEN = ["mug", "cup", "glass", "wine glass", "bowl", "plate", "fork", "knife", "spoon", "pan", "spatula", "teapot", "pitcher", "bottle", "tray", "pot"]
TOOLS = ["hammer", "screwdriver", "wrench", "pliers", "power drill", "clamp", "saw", "tape measure", "flashlight", "padlock"]
DESK = ["pen", "pencil", "marker", "stapler", "tape", "scissors", "ruler", "eraser", "notebook", "book", "calculator", "glue", "phone", "laptop", "keyboard", "computer mouse", "headphones", "usb stick", "remote control", "camera"]
HOME = ["toothbrush", "toothpaste", "soap", "shampoo bottle", "sponge", "towel", "hairbrush", "candle", "umbrella", "backpack", "shoe", "hat", "glasses", "keys", "watch", "wallet", "teddy bear", "ball", "tennis ball", "toy car", "dice", "playing cards", "vase", "flower pot"]
LESS_DESK = ["stapler", "tape", "scissors", "ruler", "glue", "calculator"]
#: What none of a source's pictures shows, as far as its subject tells.
ABSENT: dict[str, list[str]] = {
    "tools": [*FOOD, *GROCERIES, *KITCHEN, "teddy bear", "toothbrush", "shoe", "vase", "laptop", "keyboard", "computer mouse", "book", "candle"], "grocery24": [*TOOLS, *LESS_DESK, "keyboard", "computer mouse", "teddy bear", "shoe", "umbrella", "fork", "spoon", "banana", "pen", "tennis ball"],
    "desktech": [*FOOD, *TOOLS, "mustard", "cereal box", "teddy bear", "toothbrush", "shoe", "pan", "fork", "spoon", "vase", "dice"], "dishes": [*TOOLS, *DESK, "mustard", "cereal box", "shoe", "teddy bear", "toothbrush", "tennis ball", "banana", "apple"], "tableware17": [*TOOLS, *DESK, *GROCERIES, "shoe", "teddy bear", "toothbrush", "wine glass", "mug"],
    "retailsnacks": [*FOOD, *TOOLS, *DESK, *HOME, "fork", "knife", "spoon", "bowl", "plate", "mug", "pan", "mustard", "tuna", "milk"], "frutas9": [*TOOLS, *LESS_DESK, *GROCERIES, "fork", "bowl", "mug", "shoe", "teddy bear", "tomato", "carrot", "potato", "onion", "egg", "bread"], "mslearnfruit": [*TOOLS, *DESK, *GROCERIES, *KITCHEN, "lemon", "pear", "tomato", "shoe"],
    "lego": [*FOOD, *TOOLS, *GROCERIES, *KITCHEN, *DESK], "chess": [*FOOD, *TOOLS, *GROCERIES, *KITCHEN, *DESK],
}  # fmt: skip
SINGLE = [*FOOD, *GROCERIES, *KITCHEN, *TOOLS, *DESK, *HOME]
WORDS_OF = {"medicine": {"box", "medicine"}, "pencils": {"pencil", "pen"}, "pens": {"pen", "pencil"}, "pens2": {"pen", "pencil"}, "pens3": {"pen", "pencil"}, "cards": {"cards", "playing"}, "coins": {"coin"}}


def spoken(name: str) -> list[str]:
    """Names by rule: "lego brick 1x2" is a lego brick, a "black pawn chess piece" a black pawn."""
    if name in NAMES:
        return NAMES[name]
    if name.startswith("lego"):
        return [re.sub(r" \d+x\d+", "", name).replace("piece", "brick"), "lego", "toy brick", "brick"]
    if name.endswith("chess piece"):
        colour, kind = name.split()[:2]
        return [f"{colour} {kind}", kind, "chess piece", f"{colour} chess piece"]
    if name.endswith("playing card"):
        return [name.removesuffix(" playing card"), "playing card", "card"]
    m = re.match(r"(can|jar|bottle|packet|box|carton|bag|tube) of (.+)", name)
    if m:
        return [name, m[2], f"{m[2]} {m[1]}", m[1]]
    return [name]


def absent_nouns(line: dict, names: set[str]) -> list[str]:
    """Nouns of which nothing in the picture bears the name, nor shares a word with what does."""
    words = {w for n in names for w in n.split()} | WORDS_OF.get(line["source"], set())
    return [n for n in ABSENT.get(line["source"], SINGLE if line["complete"] else [*TOOLS, *FOOD]) if not set(n.split()) & words]


def split_of(line: dict) -> str:
    stem = Path(line["origin"]).name.split(".rf.")[0]
    series = re.sub(r"\d{1,2}\D*$", "", stem)  # neighbouring numbers of one series stay together
    x = int(hashlib.md5(f"photos2:{line['source']}:{series}".encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return "train" if x < 0.9 else "val"


#: Sources whose objects stand out from a plain ground: where only a box is known, GrabCut finds the outline.
PLAIN = {"medicine", "pencils", "pens", "pens2", "pens3", "cards", "coins", "toyfood", "earcase", "earbuds", "retailsnacks", "frutas9", "mslearnfruit", "hammer"}


def automatic_mask(rgb: np.ndarray, box: list[float]) -> np.ndarray | None:
    """uint8 [H,W] by GrabCut (Rother et al. 2004) in a margin around the box; None unless it is one piece that spans the box."""
    h, w = rgb.shape[:2]
    x1, y1, x2, y2 = (int(round(v)) for v in box)
    if x2 - x1 < 12 or y2 - y1 < 12:
        return None
    mx, my = max(8, (x2 - x1) // 3), max(8, (y2 - y1) // 3)
    wx1, wy1, wx2, wy2 = max(0, x1 - mx), max(0, y1 - my), min(w, x2 + mx), min(h, y2 + my)
    window = np.ascontiguousarray(rgb[wy1:wy2, wx1:wx2])
    f = min(1.0, 200 / max(window.shape[:2]))
    small = cv2.resize(window, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)
    labels = np.zeros(small.shape[:2], np.uint8)
    rect = (int((x1 - wx1) * f), int((y1 - wy1) * f), max(2, int((x2 - x1) * f)), max(2, int((y2 - y1) * f)))
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(small, labels, rect, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    except cv2.error:
        return None
    found = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    parts, index, stats, _ = cv2.connectedComponentsWithStats(found)
    if parts < 2:
        return None
    k = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, bw, bh, area = stats[k]
    if area < 0.9 * found.sum() or bw < 0.9 * rect[2] or bh < 0.9 * rect[3] or area < 0.12 * rect[2] * rect[3]:
        return None
    contours, _ = cv2.findContours((index == k).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(found), contours, -1, 1, cv2.FILLED)
    mask = np.zeros((h, w), np.uint8)
    mask[wy1:wy2, wx1:wx2] = cv2.resize(whole.astype(np.float32), (wx2 - wx1, wy2 - wy1)) > 0.5
    return mask


def resized(line: dict, rgb: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    f = min(1.0, side / max(rgb.shape[:2]))
    if f == 1.0:
        return rgb, f
    return cv2.resize(rgb, (round(rgb.shape[1] * f), round(rgb.shape[0] * f)), interpolation=cv2.INTER_AREA), f


def convert(line: dict, root: Path, out: Path, side: int) -> dict:
    rgb = cv2.cvtColor(cv2.imread(str(root / line["image"])), cv2.COLOR_BGR2RGB)
    rgb, f = resized(line, rgb, side)
    h, w = rgb.shape[:2]
    name = "images/" + Path(line["image"]).name
    cv2.imwrite(str(out / name), rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 78])
    objects = []
    for o in line["objects"]:
        names = spoken(o["name"])
        box = [round(v * f, 1) for v in o["box"]]
        new = {"name": names[0], "names": names, "category": CATEGORY.get(o["name"], names[0]), "colours": [], "material": MATERIAL.get(o["name"]),
               "shape": ["transparent"] if o["name"] in CLEAR else [], "box": box, "visible": 1.0, "graspable": bool(o.get("graspable", True))}  # fmt: skip
        rle = o.get("mask") or o.get("pseudo_mask")
        m = automatic_mask(rgb, box) if not rle and line["source"] in PLAIN else None
        if rle or m is not None:
            if m is None:
                m = cv2.resize(coco.decode(rle), (w, h), interpolation=cv2.INTER_NEAREST)
            if m.sum() >= 30:
                counts = coco.encode(np.asfortranarray(m))
                new["mask"] = {"size": [h, w], "counts": counts["counts"].decode()}
                new["mask_source"] = "annotated" if o.get("mask") else "automatic"
                if o["name"] not in CLEAR:
                    new["colours"], new["colour_shares"] = colours_of(rgb, m, bool(o.get("mask")))
        if new["name"] in USUAL and new["colours"] != [USUAL[new["name"]]]:
            new["colours"] = []
        if o.get("crowd"):
            new["crowd"] = True
        area = (box[2] - box[0]) * (box[3] - box[1])
        new["target"] = bool(new["graspable"] and not o.get("crowd") and area >= 0.0008 * w * h)
        objects.append(new)
    names = {n for o in objects for n in o["names"]}
    return {"image": name, "width": w, "height": h, "source": line["source"], "licence": line["licence"], "origin": line["origin"], "split": split_of(line),
            "complete": False, "near_complete": bool(line["complete"]), "absent_nouns": absent_nouns(line, names), "objects": objects}  # fmt: skip


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=str(shared / "data/photos2"))
    parser.add_argument("--out", default=str(here.parents[2] / ".cache/training/data/photos2"))
    parser.add_argument("--side", type=int, default=512)
    args = parser.parse_args()
    root, out = Path(args.photos), Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    lines = [json.loads(x) for x in (root / "annotations.jsonl").read_text().splitlines()]
    with open(out / "annotations.jsonl.part", "w") as f:
        for line in tqdm(lines, unit="photo", mininterval=5):
            new = convert(line, root, out, args.side)
            if any(o["target"] for o in new["objects"]):
                f.write(json.dumps(new) + "\n")
    os.replace(out / "annotations.jsonl.part", out / "annotations.jsonl")


if __name__ == "__main__":
    main()
