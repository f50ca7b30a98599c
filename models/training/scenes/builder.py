"""Meshes, textures and materials of a MuJoCo scene."""

from __future__ import annotations

import mujoco
import numpy as np

from .shapes import Part, Thing


class Builder:
    """Adds meshes, textures and materials to a spec under unique names."""

    def __init__(self) -> None:
        self.spec = mujoco.MjSpec()
        self.count = 0
        self.spec.visual.quality.offsamples = 4
        self.spec.visual.quality.shadowsize = 2048
        self.spec.visual.map.znear = 0.01
        self.spec.visual.map.zfar = 50
        self.spec.stat.extent = 1.0
        self.spec.stat.center = [0, 0, 0.1]
        self.spec.visual.global_.offwidth, self.spec.visual.global_.offheight = 640, 480
        self.spec.option.timestep = 0.004

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    def texture(self, image: np.ndarray) -> str:
        name = self.name("t")
        image = np.ascontiguousarray(image)
        t = self.spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=image.shape[1], height=image.shape[0], nchannel=3)
        t.data = image.tobytes()
        return name

    def material(self, texture: np.ndarray | None = None, rgba: tuple = (1, 1, 1, 1), specular: float = 0.3, shininess: float = 0.4, repeat: tuple | None = None,
                 reflectance: float = 0.0) -> str:
        name = self.name("m")
        m = self.spec.add_material(name=name, rgba=list(rgba), specular=specular, shininess=shininess, reflectance=reflectance)
        if texture is not None:
            m.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = self.texture(texture)
            if repeat:
                m.texuniform, m.texrepeat = True, list(repeat)
        return name

    def part(self, body: "mujoco._specs.MjsBody", part: Part) -> None:
        mesh = self.spec.add_mesh(name=self.name("v"), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
        mesh.uservert = part.verts.reshape(-1).astype(np.float64).tolist()
        mesh.userface = part.faces.reshape(-1).tolist()
        if part.texture is not None and part.uv is not None:
            uv = part.uv.copy()
            uv[:, 1] = 1 - uv[:, 1]
            mesh.usertexcoord = uv.reshape(-1).tolist()
            mesh.userfacetexcoord = (part.uv_faces if part.uv_faces is not None else part.faces).reshape(-1).tolist()
        material = self.material(part.texture, part.rgba, part.specular, part.shininess)
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, material=material, contype=0, conaffinity=0, group=0, mass=0)

    def collision(self, body: "mujoco._specs.MjsBody", thing: Thing) -> None:
        for p in thing.parts:
            for hull in p.hulls or [p.verts]:
                if len(hull) < 4 or min(np.ptp(hull, axis=0)) < 1e-4:
                    continue
                mesh = self.spec.add_mesh(name=self.name("c"))
                mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
                mesh.uservert = hull.reshape(-1).astype(np.float64).tolist()
                mesh.maxhullvert = 48
                body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, contype=1, conaffinity=1, group=3, density=400, friction=[0.8, 0.02, 0.002])

    def block(self, half: tuple, pos: tuple, material: str, group: int = 0) -> None:
        self.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=list(half), pos=list(pos), material=material, group=group)


def merged(parts: list[Part]) -> list[Part]:
    """Untextured parts of one paint as one mesh."""
    out: list[Part] = []
    groups: dict[tuple, list[Part]] = {}
    for p in parts:
        if p.texture is not None:
            out.append(p)
        else:
            groups.setdefault((tuple(np.round(p.rgba, 3)), round(p.specular, 2)), []).append(p)
    for group in groups.values():
        off, verts, faces = 0, [], []
        for p in group:
            verts.append(p.verts)
            faces.append(p.faces + off)
            off += len(p.verts)
        g = group[0]
        out.append(Part(np.concatenate(verts), np.concatenate(faces), g.rgba, specular=g.specular, shininess=g.shininess))
    out.sort(key=lambda p: p.rgba[3] < 0.99)
    return out
