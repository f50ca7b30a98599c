import {
  BufferAttribute,
  BufferGeometry,
  CylinderGeometry,
  DirectionalLight,
  GridHelper,
  Group,
  HemisphereLight,
  Line,
  LineDashedMaterial,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Scene,
  type Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Answer, MotionPreview, RobotView } from "../protocol.js";
import { Robot3d } from "./robot3d.js";

/**
 * The seen points, the grasps and the arm, to be looked at from all sides: in the robot's base, z up, where it is known how the
 * camera stands to it, else in the camera's optical frame.
 */
export class Scene3d {
  readonly #renderer: WebGLRenderer;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera(42, 4 / 3, 0.03, 30);
  readonly #controls: OrbitControls;
  readonly #observer: ResizeObserver;
  readonly #grid = new GridHelper(2, 20, 0x4a5560, 0x2c343c);
  #shown: Group | undefined;
  #robot: Robot3d | undefined;
  #ghost: Robot3d | undefined;
  #path: Line | undefined;
  #animation = 0;
  #inBase: boolean | undefined;
  #asked = 0;
  #queued = false;
  #drawn = 0;
  /** Milliseconds between images, and the least that may be. */
  #pause = 16;
  readonly #least: number;

  /** @throws Error where the browser has no WebGL */
  constructor(host: HTMLElement) {
    const software = drawnBySoftware();
    this.#least = software ? 120 : 16;
    this.#renderer = new WebGLRenderer({ antialias: !software });
    this.#renderer.setPixelRatio(software ? 0.75 : Math.min(devicePixelRatio, 2));
    this.#renderer.setClearColor(0x11161b);
    host.append(this.#renderer.domElement);
    const sun = new DirectionalLight(0xffffff, 2.2);
    sun.position.set(1.5, -1, 2.5);
    this.#scene.add(new HemisphereLight(0xffffff, 0x56606b, 1.6), sun);
    this.#grid.rotation.x = Math.PI / 2;
    this.#controls = new OrbitControls(this.#camera, this.#renderer.domElement);
    this.#controls.addEventListener("change", () => this.#draw());
    this.#look(false);
    this.#observer = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = host;
      if (width === 0 || height === 0) return;
      this.#renderer.setSize(width, height);
      this.#camera.aspect = width / height;
      this.#camera.updateProjectionMatrix();
      this.#draw();
    });
    this.#observer.observe(host);
  }

  /** Draws the arm from here on. */
  setRobot(view: RobotView): void {
    this.#robot = new Robot3d(view);
    this.#ghost = new Robot3d(view, true);
    this.#ghost.object.visible = false;
    this.#scene.add(this.#robot.object, this.#ghost.object);
    this.#look(true);
  }

  /** The present joint configuration. */
  pose(joints: readonly number[], opening?: number): void {
    this.#robot?.pose(joints, opening);
    this.#draw();
  }

  /** @returns number of points shown */
  async show(answer: Answer): Promise<number> {
    const asked = ++this.#asked;
    const reply = await fetch(`api/answers/${answer.id}/cloud`);
    if (!reply.ok || asked !== this.#asked) return 0;
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
      group.add(gripper(grasp, index === 0 ? 0x00e09a : 0x7d8792, index === 0 ? 0.0035 : 0.002));
    });
    if (this.#shown) this.#scene.remove(this.#shown);
    this.#shown = group;
    this.#scene.add(group);
    const { camera } = answer;
    if (camera !== undefined) {
      group.position.set(...camera.position);
      group.quaternion.set(...camera.orientation);
    }
    this.#look(camera !== undefined);
    const [target] = answer.result.grasps;
    if (target && camera === undefined) this.#controls.target.set(...target.position);
    this.#controls.update();
    this.#draw();
    return count;
  }

  /** Shows a planned motion again and again, and its way as a line; undefined takes it away. */
  animate(preview: MotionPreview | undefined, told: (stage: string, progress: number) => void): void {
    cancelAnimationFrame(this.#animation);
    if (this.#path !== undefined) this.#scene.remove(this.#path);
    this.#path = undefined;
    const ghost = this.#ghost;
    if (ghost === undefined) return;
    ghost.object.visible = preview !== undefined;
    this.#draw();
    if (preview === undefined) return;
    const frames = preview.stages.flatMap(({ name, configurations, opening }) =>
      // The gripper's own stages take a moment too.
      (opening === undefined ? configurations : Array.from({ length: 8 }, () => configurations[0]!)).map(
        (configuration) => ({
          name,
          configuration,
          opening,
        }),
      ),
    );
    let opening = 0.08;
    const openings = frames.map((each) => {
      opening = each.opening ?? opening;
      return opening;
    });
    this.#path = signed(
      frames.map(({ configuration }) => {
        ghost.pose(configuration);
        return ghost.tool();
      }),
    );
    this.#scene.add(this.#path);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const began = performance.now();
    const every = 50;
    const rest = 20;
    const next = () => {
      const at = Math.floor((performance.now() - began) / every) % (frames.length + rest);
      const index = calm ? frames.length - 1 : Math.min(at, frames.length - 1);
      const frame = frames[index]!;
      ghost.pose(frame.configuration, openings[index]);
      told(frame.name, index / Math.max(1, frames.length - 1));
      this.#draw();
      if (!calm) this.#animation = requestAnimationFrame(next);
    };
    next();
  }

  close(): void {
    cancelAnimationFrame(this.#animation);
    this.#observer.disconnect();
    this.#controls.dispose();
    this.#renderer.dispose();
    this.#renderer.domElement.remove();
  }

  /** Turns the view to the frame objects are given in. */
  #look(inBase: boolean): void {
    if (this.#inBase === inBase) return;
    this.#inBase = inBase;
    if (inBase) {
      this.#scene.add(this.#grid);
      this.#camera.up.set(0, 0, 1);
      this.#camera.position.set(1.35, -1.25, 1.05);
      this.#controls.target.set(0.3, 0, 0.25);
    } else {
      // The optical frame has y down and z ahead.
      this.#scene.remove(this.#grid);
      this.#camera.up.set(0, -1, 0);
      this.#camera.position.set(0, -0.15, -0.05);
      this.#controls.target.set(0, 0, 0.75);
    }
    this.#controls.update();
  }

  /** A slow renderer (no GPU) is asked less often, and for fewer pixels. */
  #step(cost: number): void {
    this.#pause = cost < 40 ? this.#least : Math.max(this.#least, Math.min(500, cost * 3));
    if (cost < 60) return;
    const ratio = this.#renderer.getPixelRatio();
    if (ratio > 0.5) this.#renderer.setPixelRatio(Math.max(0.5, ratio * 0.75));
  }

  /** However many changes there are: drawing must leave the page time for a held button's heartbeat, also without a GPU. */
  #draw(): void {
    if (this.#queued) return;
    this.#queued = true;
    const due = this.#drawn + this.#pause - performance.now();
    setTimeout(
      () =>
        requestAnimationFrame((from) => {
          this.#queued = false;
          this.#renderer.render(this.#scene, this.#camera);
          this.#drawn = performance.now();
          requestAnimationFrame((next) => this.#step(next - from));
        }),
      Math.max(0, due),
    );
  }
}

/** Whether the browser draws without a GPU: smooth edges would then cost several times the rest. */
function drawnBySoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = info ? String(gl?.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

/** The way of the tool, dashed. */
function signed(points: readonly Vector3[]): Line {
  const apart = points.filter((point, i) => i === 0 || point.distanceTo(points[i - 1] as Vector3) > 1e-4);
  const material = new LineDashedMaterial({ color: 0xffc247, dashSize: 0.015, gapSize: 0.01 });
  const line = new Line(new BufferGeometry().setFromPoints(apart), material);
  line.computeLineDistances();
  return line;
}

/** Two fingers, the bar between them and the stem; tool frame: z along the approach, x along the closing direction. */
function gripper(
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
