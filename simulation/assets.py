"""Objects of the shared asset pack as pieces of MJCF."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial import ConvexHull


def shared_folder() -> Path:
    """The folder of test assets: GRASP_GROUNDING_SHARED, or ../shared next to the project."""
    return Path(os.environ.get("GRASP_GROUNDING_SHARED", Path(__file__).resolve().parents[1].parent / "shared"))


@dataclass(frozen=True)
class Asset:
    """One object: its parts in metres, z up, standing on z = 0 as stored."""

    id: str
    category: str
    names: tuple[str, ...]
    shape: tuple[str, ...]
    container: bool
    rim_thickness: float | None
    mass: float
    stands: bool
    folder: Path
    tint: tuple[int, int, int] | None = None

    @property
    def half(self) -> str:
        """Half of the pack it belongs to, by category: the planner is tuned on one, reported on the other."""
        digest = hashlib.sha256(self.category.encode()).digest()
        return "tuning" if digest[0] % 2 == 0 else "unseen"

    @property
    def part(self) -> str:
        """Part of the unseen half, by category: failures are studied on one, and the other is reserved for measurements."""
        digest = hashlib.sha256(self.category.encode()).digest()
        return self.half if self.half == "tuning" else "studied" if digest[1] % 2 == 0 else "reserved"

    @lru_cache
    def hulls(self) -> list[np.ndarray]:
        """Vertices of the convex parts."""
        parts: list[list[list[float]]] = []
        for line in (self.folder / "collision.obj").read_text().splitlines():
            if line.startswith("o "):
                parts.append([])
            elif line.startswith("v "):
                parts[-1].append([float(x) for x in line.split()[1:4]])
        return [np.array(part) for part in parts]

    @lru_cache
    def volumes(self) -> list[float]:
        """Volume of each part in cubic metres."""
        return [max(1e-9, ConvexHull(part, qhull_options="QJ").volume) for part in self.hulls()]

    def texture_png(self, size: int = 512) -> bytes:
        """The texture as PNG: MuJoCo reads no JPEG."""
        pixels = np.asarray(Image.open(self.folder / "texture.jpg").convert("RGB").resize((size, size)))
        if self.tint:
            grey = pixels @ np.array([0.299, 0.587, 0.114])
            gain = np.clip(grey / max(float(np.median(grey)), 20), 0.25, 1.5)[..., None]
            pixels = np.clip(np.array(self.tint) * gain, 0, 255).astype(np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", compress_level=1)
        return out.getvalue()

    def visual_obj(self) -> bytes | None:
        """The visual mesh; None when the convex parts are shown."""
        return (self.folder / "visual.obj").read_bytes()

    def look(self, name: str) -> tuple[str, str, dict[str, bytes]]:
        """Texture and material in MJCF, the attribute that refers to them, and their files."""
        texture = f'<texture name="{name}_t" type="2d" file="{self.id}.png"/>'
        material = f'<material name="{name}_m" texture="{name}_t" specular="0.1"/>'
        return texture + material, f'material="{name}_m"', {f"{self.id}.png": self.texture_png()}

    def width_at(self, rotation: np.ndarray) -> tuple[float, float]:
        """Narrowest horizontal width and the height of the object turned by `rotation` (3×3), in metres."""
        points = np.concatenate(self.hulls()) @ rotation.T
        angles = np.radians(np.arange(0, 180, 3))
        spread = points[:, :2] @ np.stack([np.cos(angles), np.sin(angles)])
        return float((spread.max(0) - spread.min(0)).min()), float(np.ptp(points[:, 2]))


@lru_cache
def load_assets() -> tuple[Asset, ...]:
    """All objects, sorted by id."""
    root = shared_folder() / "assets" / "objects"
    assets = []
    for row in json.loads((root / "index.json").read_text()):
        meta = json.loads((root / row["id"] / "meta.json").read_text())
        assets.append(
            Asset(
                id=row["id"],
                category=row["category"],
                names=tuple(row["names"]),
                shape=tuple(meta["shape"]),
                container=meta["container"],
                rim_thickness=meta["rim_thickness_m"],
                mass=meta["mass_kg_est"],
                stands=meta["stands_as_stored"],
                folder=root / row["id"],
            )
        )
    return tuple(sorted(assets, key=lambda a: a.id))


def mjcf_of(asset: Asset, name: str, textured: bool) -> tuple[str, str, dict[str, bytes]]:
    """(assets, body, files) in MJCF. What is seen is in group 1; parts that only touch are in group 3."""
    files: dict[str, bytes] = {}
    meshes: list[str] = []
    geoms: list[str] = []
    scale = sum(asset.volumes())
    look = 'rgba="0.6 0.6 0.6 1"'
    if textured:
        definition, look, files = asset.look(name)
        meshes.append(definition)
    visual = asset.visual_obj()
    if visual is not None:
        meshes.append(f'<mesh name="{name}_v" file="{name}_v.obj" inertia="shell"/>')
        files[f"{name}_v.obj"] = visual
        geoms.append(f'<geom name="{name}_v" type="mesh" mesh="{name}_v" {look} contype="0" conaffinity="0" group="1" mass="0"/>')
    for k, (part, volume) in enumerate(zip(asset.hulls(), asset.volumes())):
        vertices = " ".join(f"{x:.6f}" for x in part.ravel())
        meshes.append(f'<mesh name="{name}_{k}" vertex="{vertices}"/>')
        mass = max(1e-4, max(0.02, asset.mass) * volume / scale)
        shown = 'group="3"' if visual is not None else f'group="1" {look}'
        geoms.append(f'<geom type="mesh" mesh="{name}_{k}" {shown} mass="{mass:.6f}" class="object"/>')
    body = f'<body name="{name}"><freejoint name="{name}"/>{"".join(geoms)}</body>'
    return "".join(meshes), body, files
