"""Sentences that refer to things in an annotated picture, the way people ask for them, each with its true answer.

`generate(line, rng, count)` is a pure function of the annotation and the generator. Boxes count as they stand in `line`
(the picture may have been mirrored or cropped before the call). Every query is unambiguous by the annotation: exactly
one thing fits, or all that fit are targets, or (absent) nothing fits even under a generous reading of the words.
Spatial words follow the viewer's image. `names`, `attributes`, `positions`, `relations`, `order`, `functions`, `several`
and `absent` each make the kinds they are named for; `mix` draws among them.
"""

from .mix import KINDS, generate
from .query import Query

__all__ = ["KINDS", "Query", "generate"]
