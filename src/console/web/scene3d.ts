import {
  BufferAttribute,
  BufferGeometry,
  DirectionalLight,
  GridHelper,
  Group,
  HemisphereLight,
  type Line,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Quaternion,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Answer, MotionPreview, RobotView } from "../protocol.js";
import { load } from "./resources.js";
import { Robot3d } from "./robot3d.js";
import { drawnBySoftware, GripperShadow, gripper, toolPath } from "./scene3d-shapes.js";

/**
 * From where the scene is seen; `reset` is the operator's side: where the camera looks from, higher and farther
 * away.
 */
export type Preset = "camera" | "top" | "front" | "reset";

/**
 * The seen points, the grasps and the arm, from all sides: in the robot's base, z up, where the camera's pose in it
 * is known,
 * else in the camera's optical frame.
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
  readonly #shadow = new GripperShadow();
  /** Height of the table in the base, in metres. */
  #table = 0;
  /** What the presets look at and, where it is known, from where the camera saw it; in the frame that is shown. */
  #focus = new Vector3(0.45, 0, 0.1);
  #seenFrom: Answer["camera"];
  /** The operator has turned the view: a new answer does not turn it back. */
  #turned = false;
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
    this.#controls.addEventListener("start", () => {
      this.#turned = true;
    });
    this.#useFrame(false);
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
    this.#table = view.table ?? 0;
    this.#scene.add(this.#robot.object, this.#ghost.object, this.#shadow.object);
    this.#useFrame(true);
  }

  /** The present joint configuration. */
  pose(joints: readonly number[], opening?: number): void {
    if (this.#robot === undefined) return;
    this.#robot.pose(joints, opening);
    this.#shadow.place(this.#robot.tool(), this.#table);
    this.#draw();
  }

  /** @returns number of points shown; undefined where they are gone, and what was shown stays */
  async show(answer: Answer): Promise<number | undefined> {
    const asked = ++this.#asked;
    const data = await load(`answers/${answer.id}/cloud`);
    if (data === undefined || asked !== this.#asked) return undefined;
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
    this.#seenFrom = camera;
    const [target] = answer.result.grasps;
    this.#focus = target === undefined ? middleOf(cloud) : new Vector3(...target.position);
    this.#focus.applyQuaternion(group.quaternion).add(group.position);
    this.#useFrame(camera !== undefined);
    if (!this.#turned) this.view("reset");
    this.#draw();
    return count;
  }

  /** Shows a planned motion again and again, and its path as a line; undefined removes it. */
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
    this.#path = toolPath(
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

  /** Looks from one of the preset places. */
  view(preset: Preset): void {
    this.#turned = preset !== "reset";
    const target = this.#focus.clone();
    const eye = this.#inBase === true ? this.#eyeInBase(preset, target) : eyeInCamera(preset, target);
    this.#camera.position.copy(eye);
    this.#controls.target.copy(target);
    this.#controls.update();
    this.#draw();
  }

  #eyeInBase(preset: Preset, target: Vector3): Vector3 {
    const camera = this.#seenFrom;
    const from = camera === undefined ? undefined : new Vector3(...camera.position);
    if (preset === "camera" && camera !== undefined && from !== undefined) {
      const ahead = new Vector3(0, 0, 1).applyQuaternion(new Quaternion(...camera.orientation));
      target.copy(from).addScaledVector(ahead, from.distanceTo(this.#focus));
      return from;
    }
    if (preset === "top") return target.clone().add(new Vector3(-0.001, 0, 1.5));
    // The front is where the robot looks to, and stands itself opposite.
    const side = new Vector3(1, preset === "front" ? 0 : -0.4, 0);
    if (preset !== "front" && from !== undefined) side.copy(from).sub(target);
    side.setZ(0);
    if (side.length() < 0.05) side.set(1, 0, 0);
    // Past the arm, which often stands between the camera and the table.
    if (preset !== "front") side.applyAxisAngle(new Vector3(0, 0, 1), 0.75);
    side.normalize().multiplyScalar(preset === "front" ? 1.6 : 1.35);
    // A little towards the arm, so that it is in sight too.
    target.multiplyScalar(0.75).setZ(0.2);
    return target
      .clone()
      .add(side)
      .setZ(preset === "front" ? 0.6 : 1.05);
  }

  /** Uses the frame objects are given in: the robot's base, or the camera's own. */
  #useFrame(inBase: boolean): void {
    if (this.#inBase === inBase) return;
    this.#inBase = inBase;
    if (inBase) this.#scene.add(this.#grid);
    else this.#scene.remove(this.#grid);
    // The optical frame has y down and z ahead.
    this.#camera.up.set(0, inBase ? 0 : -1, inBase ? 1 : 0);
    this.#shadow.object.visible = inBase;
    if (!inBase) this.#focus.set(0, 0, 0.75);
    this.view("reset");
  }

  /** A slow renderer (no GPU) is asked less often, and for fewer pixels. */
  #step(cost: number): void {
    this.#pause = cost < 40 ? this.#least : Math.max(this.#least, Math.min(500, cost * 3));
    if (cost < 60) return;
    const ratio = this.#renderer.getPixelRatio();
    if (ratio <= 0.5) return;
    // Another resolution clears the canvas: it is drawn anew, or it would stay black.
    this.#renderer.setPixelRatio(Math.max(0.5, ratio * 0.75));
    this.#draw();
  }

  /**
   * However many changes there are: drawing must leave the page time for a held button's heartbeat, also without a
   * GPU.
   */
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

/** Middle of the seen points. */
function middleOf(cloud: BufferGeometry): Vector3 {
  cloud.computeBoundingBox();
  return cloud.boundingBox?.getCenter(new Vector3()) ?? new Vector3(0, 0, 0.75);
}

/** Places in the camera's optical frame: x right, y down, z ahead. */
function eyeInCamera(preset: Preset, target: Vector3): Vector3 {
  if (preset === "top") return target.clone().add(new Vector3(0, -1.2, -0.001));
  if (preset === "front") return target.clone().add(new Vector3(0, -0.05, -0.7));
  return preset === "camera" ? new Vector3(0, 0, -0.001) : new Vector3(0, -0.15, -0.05);
}
