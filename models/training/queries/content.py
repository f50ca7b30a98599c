"""Packages by what is in them ("the crackers", "a box of sugar"), and wide words for kinds."""

from __future__ import annotations

CONTENT: dict[str, list[str]] = {
    "cracker box": ["crackers", "box of crackers"], "sugar box": ["sugar", "box of sugar"], "tuna can": ["tuna", "can of tuna", "tin of tuna"], "soup can": ["soup", "can of soup", "tomato soup"],
    "coffee can": ["coffee", "can of coffee"], "meat can": ["canned meat", "can of meat"], "fish tin": ["sardines", "tin of fish"], "mustard bottle": ["bottle of mustard"], "cereal box": ["cereal", "box of cereal"],
    "coffee box": ["coffee", "box of coffee"], "tissue box": ["tissues", "box of tissues"], "crayon box": ["crayons"], "shampoo bottle": ["shampoo", "bottle of shampoo"], "conditioner bottle": ["conditioner"],
    "bleach bottle": ["bleach", "bottle of bleach", "cleaner"], "glue bottle": ["glue", "bottle of glue"], "pill bottle": ["pills", "bottle of pills", "vitamins"], "medicine box": ["medicine", "box of medicine"], "candy box": ["candy", "sweets", "box of candy"],
    "snack box": ["snacks", "box of snacks"], "baking mix box": ["baking mix"], "dessert box": ["pudding", "dessert", "box of pudding"], "protein box": ["protein bars"], "candy jar": ["candy", "gum"], "gum box": ["gum", "chewing gum"],
    "ink cartridge box": ["ink", "printer ink", "ink cartridges"], "electronics box": ["electronics"], "game case": ["game", "video game"], "cosmetics box": ["cosmetics", "make-up"], "hair dye box": ["hair dye", "hair colour"], "milk carton": ["milk", "carton of milk"],
    "juice carton": ["juice", "carton of juice"], "wine bottle": ["wine", "bottle of wine"], "water bottle": ["water", "bottle of water"], "soda can": ["soda", "can of soda", "soft drink"], "spray bottle": ["spray", "cleaning spray"], "soap dispenser": ["hand soap", "soap"],
    "lotion tube": ["lotion", "cream", "tube of lotion"], "toothpaste tube": ["tube of toothpaste"], "parchment paper box": ["parchment paper", "baking paper"], "food box": ["box of food"], "protein jar": ["protein powder"], "oat milk": ["oat drink"], "rice": ["pack of rice"],
    "computer mouse": ["mouse"], "puzzle cube": ["Rubik's cube", "magic cube"], "power drill": ["electric drill"], "remote control": ["remote"], "deck of cards": ["pack of cards"], "tape": ["sticky tape", "adhesive tape"], "padlock": ["lock"], "flashlight": ["torch"], "game controller": ["controller"],
}  # fmt: skip
"""Canonical name -> further names of the same object."""

_FRUIT = ["fruit"]
WIDE: dict[str, list[str]] = {
    **{n: _FRUIT for n in ("apple", "orange", "banana", "lemon", "lime", "pear", "peach", "plum", "strawberry", "mandarin", "red apple", "green apple", "gala apple", "kiwi", "bunch of grapes", "mango")},
    **{n: ["drink", "soft drink"] for n in ("coke can", "pepsi can", "coke bottle", "pepsi bottle", "soda can")},
    **{n: ["snack"] for n in ("kitkat", "chocolate bar", "bag of crisps", "packet of biscuits", "biscuit packet", "cake packet", "candy bar")},
    **{n: ["vegetable"] for n in ("carrot", "tomato", "cucumber", "zucchini", "broccoli", "potato", "sweet potato", "red pepper", "red onion")},
    **{n: ["tool"] for n in ("screwdriver", "hammer", "wrench", "adjustable wrench", "ratchet wrench", "water pump pliers", "needle-nose pliers", "cutting pliers", "hacksaw", "power drill", "clamp")},
}
"""Canonical name -> a word for its whole kind; said of one object only where the generator finds it to be the only one."""


def further_names(names: list[str]) -> list[str]:
    """Names that follow from an object's first one, without those it has."""
    extra = [n for name in names[:2] for n in CONTENT.get(name, [])] + WIDE.get(names[0], [])
    return [n.lower() for n in extra if n.lower() not in names]
