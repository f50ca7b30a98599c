import {
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  Group,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Answer } from "../protocol.js";

/** The seen points and the grippers of an answer, to be looked at from all sides. In the camera's optical frame. */
export class Scene3d {
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(45, 4 / 3, 0.05, 20);
  readonly #controls: OrbitControls;
  readonly #observer: ResizeObserver;
  #shown: Group | undefined;

  /** @throws Error where the browser has no WebGL */
  constructor(host: HTMLElement) {
    this.#renderer = new WebGLRenderer({ antialias: true });
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    host.append(this.#renderer.domElement);
    // The optical frame has y down and z ahead.
    this.#camera.up.set(0, -1, 0);
    this.#camera.position.set(0, -0.15, -0.05);
    this.#controls = new OrbitControls(this.#camera, this.#renderer.domElement);
    this.#controls.target.set(0, 0, 0.75);
    this.#controls.addEventListener("change", () => this.#draw());
    this.#observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = host;
      if (width === 0 || height === 0) return;
      this.#renderer.setSize(width, height);
      this.#camera.aspect = width / height;
      this.#camera.updateProjectionMatrix();
      this.#draw();
    });
    this.#observer.observe(host);
    this.#controls.update();
  }

  /** Number of points shown. */
  async show(answer: Answer): Promise<number> {
    const reply = await fetch(`api/answers/${answer.id}/cloud`);
    if (!reply.ok) return 0;
    const data = await reply.arrayBuffer();
    const count = new DataView(data).getUint32(0, true);
    const group = new Group();
    const cloud = new BufferGeometry();
    cloud.setAttribute("position", new BufferAttribute(new Float32Array(data, 4, count * 3), 3));
    cloud.setAttribute(
      "color",
      new BufferAttribute(new Uint8Array(data, 4 + count * 12, count * 3), 3, true),
    );
    group.add(new Points(cloud, new PointsMaterial({ size: 0.0042, vertexColors: true })));
    answer.result.grasps.forEach((grasp, index) => {
      group.add(gripper(grasp, index === 0 ? 0x00e09a : 0x8a8f98));
    });
    if (this.#shown) this.#scene.remove(this.#shown);
    this.#shown = group;
    this.#scene.add(group);
    const [target] = answer.result.grasps;
    if (target) {
      this.#controls.target.set(...target.position);
      this.#controls.update();
    }
    this.#draw();
    return count;
  }

  close(): void {
    this.#observer.disconnect();
    this.#controls.dispose();
    this.#renderer.dispose();
    this.#renderer.domElement.remove();
  }

  #draw(): void {
    this.#renderer.render(this.#scene, this.#camera);
  }
}

/** Two fingers, the bar between them and the stem; tool frame: z along the approach, x along the closing direction. */
function gripper(
  { position, orientation, width }: Answer["result"]["grasps"][number],
  colour: number,
): Group {
  const material = new MeshBasicMaterial({ color: colour });
  const group = new Group();
  const rod = (length: number, x: number, z: number, across = false) => {
    const mesh = new Mesh(new CylinderGeometry(0.003, 0.003, length, 8), material);
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
