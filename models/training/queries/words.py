"""The words of queries: synonyms, what may be taken for what, functions, ways of asking."""

from __future__ import annotations

#: Nouns that may be said of each other's things: none of a group is safely absent while another is there.
CONFUSABLE: list[set[str]] = [
    {"mug", "cup", "coffee mug", "coffee cup", "paper cup", "toy cup", "plastic cup", "glass", "drinking glass", "wine glass", "beaker", "jar", "tumbler", "flower pot", "pot"},
    {"bowl", "dish", "plate", "saucer", "small plate", "dinner plate", "small dish", "tray", "ramekin", "small bowl", "dog bowl", "pet bowl", "pan", "cake pan", "baking pan", "spoon rest", "frying pan", "basin", "flower pot"},
    {"bottle", "plastic bottle", "water bottle", "wine bottle", "glass bottle", "pill bottle", "medicine bottle", "pills", "glue bottle", "glue", "spray bottle", "soap dispenser", "soap bottle", "pump bottle", "shampoo bottle",
     "jar", "container", "tube", "squeeze tube", "lotion tube", "toothpaste", "conditioner bottle", "bleach bottle", "cleaning bottle", "mustard bottle", "mustard", "olive oil", "toiletry bottle", "vase", "pitcher", "jug", "candle", "flask"},
    {"box", "package", "carton", "cardboard box", "case", "book", "milk carton", "juice carton", "tissue box", "bin", "storage box", "block", "cube", "brick", "container", "game box", "board game", "dvd case", "dvd", "game case",
     "video game", "deck of cards", "playing cards", "cards", "tissues", "box of tissues", "crayon box", "box of crayons", "small box", "food box", "cereal box", "cracker box", "hard drive", "external drive", "cartridge", "game cartridge", "notebook", "notepad",
     "toy fridge", "toy sink", "printer", "photo printer", "open box", "paperback", "sugar box", "medicine box", "snack box", "candy box", "milk", "oat milk", "almond milk", "toy block", "wooden block", "parchment paper box"},
    {"can", "tin", "tin can", "jar", "container", "tub", "soda can", "drink can", "food can", "soup can", "tuna can", "coffee can", "candle", "cylinder", "wooden cylinder", "bottle", "speaker", "candy jar", "fish tin", "meat can"},
    {"pen", "marker", "pencil", "marker pen", "felt pen", "ballpoint pen", "correction pen", "screwdriver", "toothbrush", "wooden stick", "honey dipper", "crayon", "stationery"},
    {"knife", "spatula", "table knife", "turner", "cutlery", "kitchen utensil", "kitchen tool"}, {"fork", "cutlery", "kitchen utensil", "kitchen tool"}, {"spoon", "spoon rest", "cutlery", "kitchen utensil", "kitchen tool", "ladle"},
    {"ball", "marble", "baseball", "golf ball", "tennis ball", "softball", "soccer ball", "football", "toy ball", "rubber ball", "puzzle ball", "sports ball", "orange"},
    {"apple", "peach", "plum", "tomato", "nectarine", "fruit", "pomegranate", "bell pepper", "onion"}, {"orange", "peach", "satsuma", "grapefruit", "fruit", "tangerine", "mandarin", "clementine"}, {"lemon", "lime", "fruit"}, {"banana", "fruit"},
    {"pear", "avocado", "fruit", "mango", "apple"}, {"strawberry", "fruit"}, {"potato", "sweet potato", "egg", "kiwi", "onion"}, {"zucchini", "courgette", "cucumber", "avocado", "aubergine"}, {"donut", "doughnut", "bagel", "cake", "bread"},
    {"phone", "smartphone", "mobile phone", "cell phone", "tablet", "tablet computer", "game console", "handheld console", "remote control", "remote", "tv remote", "calculator", "electronic device", "device", "external drive", "hard drive"},
    {"remote control", "remote", "game controller", "gamepad", "controller"}, {"tape", "roll of tape", "tape roll", "bracelet", "wristband", "donut"}, {"hammer", "mallet", "rubber mallet", "tool"},
    {"screwdriver", "tool", "toy tool"}, {"wrench", "spanner", "adjustable wrench", "tool"}, {"scissors", "pair of scissors", "shears", "clamp", "tool"}, {"drill", "power drill", "cordless drill", "toy drill", "tool"},
    {"soap", "bar of soap", "soap bar", "eraser", "rubber", "sponge", "kitchen sponge"}, {"stapler", "staple remover"}, {"computer mouse", "mouse"}, {"ruler", "wooden stick"},
    {"teapot", "pitcher", "jug", "kettle"}, {"flashlight", "torch", "marker", "speaker"}, {"toy", "toy animal", "toy furniture", "toy airplane", "toy plane", "airplane", "toy tool", "toy block", "block", "puzzle", "toy brick", "lego brick", "brick",
     "toy shark", "toy whale", "toy lion", "doll", "teddy bear", "plastic part", "dog toy", "pet toy", "cube", "toy cup", "game", "toy drill", "ball", "toy fridge", "toy sink", "toy table", "puzzle cube"},
    {"lock", "padlock"}, {"bell", "hand bell"}, {"book", "notebook", "notepad", "paperback", "magazine", "dvd case", "tablet"}, {"handbag", "backpack", "bag", "suitcase", "purse"}, {"pillow", "cushion", "teddy bear"},
    {"picture frame", "tv", "monitor", "laptop", "clock", "mirror"}, {"vase", "flower pot", "plant pot", "pot", "planter", "potted plant", "pitcher", "jug", "cup", "bowl"}, {"waste bin", "bin", "trash can", "bucket"},
    {"sandwich", "hot dog", "cake", "pizza", "bread", "burger"}, {"candy bar", "chocolate bar"}, {"bread", "cheese", "goat cheese", "salmon", "salmon fillet"}, {"rice", "quinoa", "oats", "oat", "spaghetti", "pasta", "bag", "package", "bag of rice", "bag of oats", "bag of quinoa"},
    {"pan", "frying pan", "skillet", "cake pan", "baking pan", "pot"}, {"tie", "scarf"}, {"skateboard", "snowboard", "surfboard", "skis"}, {"baseball bat", "tennis racket"}, {"keyboard", "laptop"},
]
_NEAR: dict[str, set[str]] = {}
for _g in CONFUSABLE:
    for _w in _g:
        _NEAR.setdefault(_w, set()).update(_g)


def may_be_called(noun: str, names: list[str]) -> bool:
    """Whether somebody could call a thing with these names `noun`, too. Shared head words count ("soup can", "can")."""
    near = _NEAR.get(noun, set())
    head = noun.split()[-1]
    return any(n == noun or n in near or n.split()[-1] == head or n in noun.split() or noun in n.split() for n in names)


#: Wide words, that might take in more things than those annotated with them.
VAGUE = {"toy", "container", "device", "electronic device", "dish", "package", "case", "tool", "toy tool", "plastic part", "game", "pot", "bag", "pen", "carton", "kitchen tool", "kitchen utensil", "jar", "tube", "lock"}

#: Names of canonical kinds, for objects of which only the name is left (cut off by a crop).
ALIASES: dict[str, list[str]] = {
    "mug": ["mug", "cup"], "glass": ["glass", "cup"], "paper cup": ["paper cup", "cup"], "can": ["can", "tin"], "remote": ["remote", "remote control"],
    "cell phone": ["phone", "cell phone"], "zucchini": ["zucchini", "courgette"],
}

#: What a thing is for: the wish in words, (noun phrase, wish sentence), the nouns that grant it, and nouns that might.
FUNCTIONS: list[tuple[list[str], list[str], set[str], set[str]]] = [
    (["something to cut with", "the thing for cutting", "something I can cut with", "a tool for cutting", "something sharp to cut with"], ["I need to cut something", "I want to slice some bread"],
     {"knife", "table knife", "scissors", "pair of scissors"}, {"fork", "spatula", "tool", "toy tool", "toy"}),
    (["something to drink from", "what I'd drink from", "the thing I can drink out of", "something I could pour coffee into"], ["I want to drink some tea", "I'd like to have a coffee, hand me what I need"],
     {"mug", "cup", "glass", "wine glass", "coffee mug", "paper cup", "toy cup"}, {"bottle", "can", "bowl", "pitcher", "jar", "teapot", "carton", "flower pot", "ramekin", "pot", "bin", "dish"}),
    (["something to write with", "what I'd write with", "a thing to take notes with", "something I can draw with"], ["I want to write something down", "I need to sign this"],
     {"pen", "pencil", "marker", "marker pen"}, {"crayon box", "box of crayons", "correction pen", "screwdriver", "notebook", "book", "phone", "tablet", "chalk box", "craft box"}),
    (["something to eat soup with", "what I'd eat soup with", "the thing for stirring coffee"], ["I want to eat my soup", "I need to stir my tea"], {"spoon"}, {"fork", "bowl", "spatula", "kitchen utensil", "spoon rest", "wooden stick", "honey dipper"}),
    (["something to hammer a nail with", "a tool to drive in a nail"], ["I need to hit a nail"], {"hammer"}, {"mallet", "rubber mallet", "brick", "wood block", "wrench", "tool", "toy tool", "block of wood", "clamp"}),
    (["something to turn a screw with", "a tool for screws", "what I'd tighten a screw with"], ["I need to tighten a screw"], {"screwdriver", "power drill"}, {"knife", "wrench", "toy tool", "toy drill", "tool", "plastic part", "drill", "table knife"}),
    (["something to staple paper with", "the thing that staples"], ["I need to staple these sheets"], {"stapler"}, {"tape", "clamp"}),
    (["something to stick paper with", "the sticky thing", "something to tape a parcel with"], ["I want to tape up a parcel"], {"tape", "roll of tape"}, {"glue", "glue bottle", "stapler"}),
    (["something to make a call with", "what I'd call somebody with"], ["I want to phone my mother"], {"phone", "cell phone", "smartphone"}, {"tablet", "device", "electronic device", "game console", "radio", "laptop"}),
    (["something to change the channel with", "the thing that controls the tv"], ["I want to change the channel"], {"remote control", "remote", "tv remote"}, {"phone", "game controller", "tablet", "device"}),
    (["something to read", "a thing I can read"], ["I want to read something"], {"book", "paperback"}, {"notebook", "notepad", "tablet", "phone", "box", "package", "magazine", "laptop", "newspaper"}),
    (["something to brush my teeth with", "the thing for brushing teeth"], ["I want to brush my teeth"], {"toothbrush"}, {"toothpaste", "toothpaste tube"}),
    (["something to measure with", "the thing for drawing straight lines"], ["I need to measure a length"], {"ruler"}, {"snail toy", "toy snail"}),
    (["something to light the dark with", "a thing that gives light"], ["it's dark, I need some light"], {"flashlight", "torch"}, {"candle", "phone", "light bulb box", "lamp", "electronics box"}),
    (["something to add up numbers with", "the thing for doing sums"], ["I need to calculate something"], {"calculator"}, {"phone", "tablet", "laptop", "device"}),
    (["something to wash my hands with", "the thing for washing hands"], ["I want to wash my hands"], {"soap", "bar of soap", "soap dispenser", "soap bottle"}, {"sponge", "bottle", "cleaning bottle", "toiletry bottle", "sink", "shampoo bottle", "conditioner bottle", "tube"}),
    (["something to fry an egg in", "what I'd fry an egg in"], ["I want to fry an egg"], {"pan", "frying pan"}, {"bowl", "pot", "cake pan", "baking pan"}),
    (["something to blow my nose with"], ["I have a cold and need a tissue"], {"tissue box", "box of tissues", "tissues"}, {"napkin", "paper", "towel"}),
    (["something to rub out pencil with", "the thing for erasing"], ["I made a mistake with the pencil"], {"eraser"}, {"correction pen", "soap"}),
    (["something to play catch with", "a thing to throw and catch"], ["I want to play catch with the dog"], {"ball", "tennis ball", "baseball", "softball"}, {"toy", "dog toy", "orange", "apple", "tomato", "frisbee", "lemon", "marble", "pet toy", "toy ball", "sports ball"}),
]  # fmt: skip

#: Words for whole groups: (singular with article-free form, plural form, nouns that belong, nouns that might).
GROUPS: list[tuple[str, str, set[str], set[str]]] = [
    ("piece of fruit", "fruits", {"apple", "orange", "banana", "lemon", "lime", "pear", "peach", "plum", "strawberry"}, {"tomato", "avocado", "kiwi", "mango", "melon", "pineapple", "toy fruit"}),
    ("piece of cutlery", "cutlery", {"fork", "knife", "spoon", "table knife"}, {"spatula", "spoon rest", "kitchen utensil", "turner"}),
    ("tool", "tools", {"hammer", "screwdriver", "wrench", "power drill", "clamp"}, {"mallet", "rubber mallet", "toy tool", "toy drill", "scissors", "flashlight", "magnifying glass", "knife", "ruler", "tape", "plastic part", "kitchen tool", "spatula", "padlock", "stapler", "kitchen utensil", "lime squeezer", "citrus press", "toy"}),
]

COMMANDS = [
    "give me {}", "pick up {}", "grab {}", "can you grab {}", "hand me {}", "get me {}", "take {}", "please pick up {}", "could you pass me {}", "bring me {}", "I want {}", "I need {}", "find {}", "where is {}",
    "please hand me {}", "could you give me {}", "pass me {}, please", "can you pick up {}?", "fetch {}", "get {}", "show me {}", "hold {}", "lift {}", "grasp {}", "reach for {}", "would you get {} for me", "pick {}", "now take {}",
    "I'd like {}", "let me have {}", "go for {}", "robot, grab {}", "pick up {} for me", "hey, can you get me {}", "please get {}", "can I have {}",
]  # fmt: skip
SAY = {
    "gray": ["gray", "grey", "gray", "grey"], "turquoise": ["turquoise", "teal"], "beige": ["beige"], "purple": ["purple", "violet"],
    "blue": ["blue"], "red": ["red"],
}
MATERIALS = {
    "ceramic": ["ceramic"], "porcelain": ["porcelain", "ceramic"], "metal": ["metal", "metallic"], "wood": ["wooden"], "plastic": ["plastic"], "glass": ["glass"], "cardboard": ["cardboard"],
    "paper": ["paper"], "rubber": ["rubber"],
}
#: Materials hard to tell apart by eye.
LIKE = {"ceramic": {"porcelain", "plastic", "glass", "metal"}, "porcelain": {"ceramic", "plastic", "glass"}, "plastic": {"ceramic", "rubber", "porcelain", "glass", "silicone", "plastic wrapper", "foam", "paper"}, "rubber": {"plastic", "silicone"},
        "cardboard": {"paper"}, "paper": {"cardboard", "plastic"}, "metal": {"plastic", "ceramic"}, "wood": {"cardboard"}, "glass": {"plastic", "ceramic"}}  # fmt: skip
SHAPES = {"round": ["round"], "square": ["square"], "rectangular": ["rectangular"], "tall": ["tall"], "flat": ["flat"], "long": ["long"], "cylindrical": ["cylindrical"], "transparent": ["transparent", "clear"], "with handle": []}
ROUNDISH = {"round", "spherical", "cylindrical", "oval", "ring-shaped", "rounded", "tapered", "conical"}
ANGULAR = {"square", "rectangular", "cubic", "blocky"}

#: Nouns to ask for in vain, beside what else the picture's source knows.
COMMON = [
    "mug", "cup", "glass", "wine glass", "bowl", "plate", "can", "bottle", "fork", "knife", "spoon", "pen", "pencil", "marker", "screwdriver", "hammer", "tape", "stapler", "notebook", "book", "remote control", "phone", "computer mouse",
    "calculator", "ruler", "eraser", "box", "cereal box", "milk carton", "jar", "vase", "candle", "flashlight", "toothbrush", "apple", "orange", "lemon", "tomato", "pear", "banana", "carrot", "egg", "potato", "donut", "ball", "pan", "soap dispenser",
    "tissue box", "scissors", "sponge", "teapot", "toy airplane", "drill", "wrench", "flower pot", "tennis ball", "strawberry", "toothpaste", "padlock", "magnifying glass", "game controller", "tablet", "clamp", "spatula", "soap", "speaker", "puzzle cube",
    "pill bottle", "glasses", "keys", "watch", "umbrella", "teddy bear", "laptop", "keyboard", "headphones", "shoe", "hat", "bag of chips", "cucumber", "sandwich", "pineapple", "hairbrush", "light bulb", "wallet", "towel", "key", "camera", "pair of glasses",
    "crackers", "mustard", "sugar", "cereal", "soup", "coffee", "tuna", "pills", "shampoo", "tissues", "candy", "coke", "milk", "juice", "cheese", "butter", "bread", "pasta", "rice", "ketchup", "cookies", "chips", "pliers", "basket", "chopsticks", "saw",
]  # fmt: skip

IRREGULAR = {"knife": "knives", "glass": "glasses", "wine glass": "wine glasses", "dish": "dishes", "box": "boxes", "toothbrush": "toothbrushes", "tomato": "tomatoes", "potato": "potatoes", "mouse": "mice", "computer mouse": "computer mice",
             "scissors": "scissors", "strawberry": "strawberries", "dice": "dice", "torch": "torches", "battery": "batteries", "peach": "peaches", "sweet potato": "sweet potatoes", "table knife": "table knives", "wrench": "wrenches", "brush": "brushes",
             "teddy bear": "teddy bears", "broccoli": "broccoli", "rice": "rice", "quinoa": "quinoa", "spaghetti": "spaghetti", "pasta": "pasta", "milk": "milk", "oat milk": "oat milk", "almond milk": "almond milk", "oats": "oats",
             "pair of scissors": "pairs of scissors", "roll of tape": "rolls of tape", "box of tissues": "boxes of tissues", "tissues": "tissues", "tape": "tapes", "toothpaste": "toothpaste", "tissue box": "tissue boxes"}  # fmt: skip
MASS = {"rice", "quinoa", "spaghetti", "pasta", "milk", "oat milk", "almond milk", "oats", "toothpaste", "soap", "broccoli", "tissues", "glue", "mustard", "pills", "goat cheese", "cheese", "salmon", "olive oil", "cards", "playing cards", "skis"}


def plural(noun: str) -> str:
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


#: Words without a singular of their own.
PLURAL_ONLY = {"glasses", "keys", "headphones", "scissors", "pills", "tissues", "cards", "playing cards", "oats"}


def article(phrase: str) -> str:
    """The indefinite article (or "some") that goes before a phrase."""
    if phrase in PLURAL_ONLY:
        return "some"
    return "an" if phrase[0] in "aeiou" and not phrase.startswith(("one", "us")) else "a"
