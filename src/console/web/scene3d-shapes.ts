import {
  BufferGeometry,
  CircleGeometry,
  CylinderGeometry,
  Group,
  Line,
  LineBasicMaterial,
  LineDashedMaterial,
  Mesh,
  MeshBasicMaterial,
  Vector3,
} from "three";
import type { Answer } from "../protocol.js";

/** Whether the browser draws without a GPU: smooth edges would then cost several times the rest. */
export function drawnBySoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = info ? String(gl?.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** The path of the tool, dashed. */
export function toolPath(points: readonly Vector3[]): Line {
  const apart = points.filter((point, i) => i === 0 || point.distanceTo(points[i - 1] as Vector3) > 1e-4);
  const material = new LineDashedMaterial({ color: 0xffc247, dashSize: 0.015, gapSize: 0.01 });
  const line = new Line(new BufferGeometry().setFromPoints(apart), material);
  line.computeLineDistances();
  return line;
}

/** Two fingers, the bar between them and the stem; tool frame: z along the approach, x along the closing direction. */
export function gripper(
  { position, orientation, width }: Answer["result"]["grasps"][number],
  colour: number,
  radius: number,
): Group {
  const material = new MeshBasicMaterial({ color: colour });
  const group = new Group();
  const rod = (length: number, x: number, z: number, across = false) => {
    const mesh = new Mesh(new CylinderGeometry(radius, radius, length, 8), material);
    if (across) mesh.rotation.z = Math.PI / 2;
    else mesh.rotation.x = Math.PI / 2;
    mesh.position.set(x, 0, z);
    group.add(mesh);
  };
  const finger = 0.045;
  rod(finger, -width / 2, -finger / 2);
  rod(finger, width / 2, -finger / 2);
  rod(width, 0, -finger, true);
  rod(finger, 0, -1.5 * finger);
  group.position.set(...position);
  group.quaternion.set(...orientation);
  return group;
}

/** A shadow straight below the gripper, and a line down to it: tells height and place above the table. */
export class GripperShadow {
  readonly object = new Group();
  readonly #disc: Mesh;
  readonly #drop: Line;

  constructor() {
    const dark = { color: 0x000000, transparent: true, depthWrite: false } as const;
    this.#disc = new Mesh(new CircleGeometry(0.045, 32), new MeshBasicMaterial({ ...dark, opacity: 0.45 }));
    this.#drop = new Line(
      new BufferGeometry().setFromPoints([new Vector3(), new Vector3(0, 0, 1)]),
      new LineBasicMaterial({ color: 0x8fa3b5, transparent: true, opacity: 0.7 }),
    );
    this.object.add(this.#disc, this.#drop);
  }

  /** @param tool where the gripper is @param table height of the table below it, both in metres of the base */
  place(tool: Vector3, table: number): void {
    const height = Math.max(0, tool.z - table);
    this.object.position.set(tool.x, tool.y, table + 0.002);
    this.#drop.scale.z = Math.max(height, 1e-3);
    // Softer and larger from higher up, as a real shadow.
    const size = 1 + 0.8 * height;
    this.#disc.scale.set(size, size, 1);
    (this.#disc.material as MeshBasicMaterial).opacity = 0.45 / (1 + 1.2 * height);
  }
}
