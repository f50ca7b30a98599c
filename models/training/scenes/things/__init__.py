"""Makers of procedural things: tableware, cutlery, packages, fruit and what lies on desks."""

from __future__ import annotations

from typing import Callable

from ..shapes import Rng, Thing
from .cutlery import fork, knife, spoon
from .electronics import calculator, mouse, phone, remote
from .food import apple, banana, carrot, donut, egg, lemon, orange, pear, potato, tomato
from .household import block, candle, toothbrush, toy_ball
from .packages import bottle, can, carton_box, dispenser, jar, milk_carton, open_box, tissues
from .stationery import eraser, marker_pen, notebook, pen, pencil, ruler, stapler, tape
from .tableware import bowl, cup, glass, mug, pan, plate, vase, wine_glass
from .tools import hammer, screwdriver, torch_light

#: Makes one thing. u in 0..1 sets its main proportion; everything else is drawn.
Maker = Callable[[Rng, float], Thing]

#: By the kind's name. What is drawn from a seed depends on the order.
MAKERS: dict[str, Maker] = {
    "mug": mug, "cup": cup, "glass": glass, "wine glass": wine_glass, "bowl": bowl, "plate": plate,
    "can": can, "bottle": bottle, "fork": fork, "knife": knife, "spoon": spoon, "pen": pen,
    "pencil": pencil, "marker": marker_pen, "screwdriver": screwdriver, "hammer": hammer, "tape roll": tape, "stapler": stapler,
    "notebook": notebook, "remote control": remote, "phone": phone, "computer mouse": mouse, "calculator": calculator, "ruler": ruler,
    "eraser": eraser, "box": carton_box, "open box": open_box, "milk carton": milk_carton, "jar": jar, "vase": vase,
    "candle": candle, "flashlight": torch_light, "toothbrush": toothbrush, "apple": apple, "orange": orange, "lemon": lemon,
    "tomato": tomato, "pear": pear, "banana": banana, "carrot": carrot, "egg": egg, "potato": potato,
    "donut": donut, "ball": toy_ball, "block": block, "pan": pan, "dispenser": dispenser, "tissue box": tissues,
}  # fmt: skip

#: How often each kind is drawn beside the others.
WEIGHTS = {"mug": 4, "cup": 3, "glass": 2.5, "wine glass": 1.2, "bowl": 3, "plate": 2, "can": 3, "bottle": 3, "fork": 2, "knife": 2,
           "spoon": 2, "pen": 1.5, "box": 3, "open box": 0.8, "apple": 2, "orange": 1.5, "banana": 1.5, "milk carton": 1.5}

__all__ = ["MAKERS", "WEIGHTS", "Maker"]
