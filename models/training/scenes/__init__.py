"""Rendered training scenes: assets and procedural things, arranged on tables, shelves and in drawers, with exact
masks. `python -m scenes.render` (from models/training) writes the data set."""
