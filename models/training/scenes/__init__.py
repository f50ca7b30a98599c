"""Rendered training scenes: assets and procedural things (`assets`, `things`), drawn (`draw`), arranged on tables,
shelves and in drawers (`arrange`) and compiled for MuJoCo (`compile`). `scenes_render.py` beside this folder takes the
pictures, with exact masks, and writes the data set."""
