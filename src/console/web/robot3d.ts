import {
  CapsuleGeometry,
  Color,
  type Material,
  Mesh,
  MeshStandardMaterial,
  Object3D,
  Quaternion,
  Vector3,
} from "three";
import URDFLoader, { type URDFRobot } from "urdf-loader";
import type { RobotView } from "../protocol.js";

/**
 * An arm as its URDF draws it. Meshes are not fetched: a link that has nothing else is drawn by its collision
 * shapes, and one
 * without any by bones between its joints.
 */
export class Robot3d {
  readonly object: URDFRobot;
  readonly #view: RobotView;

  /** @param ghost drawn in one see-through colour, for a joint configuration that is planned */
  constructor(view: RobotView, ghost = false) {
    this.#view = view;
    const loader = new URDFLoader();
    loader.parseCollision = true;
    loader.loadMeshCb = (_url, _manager, _material, done) => done(new Object3D());
    this.object = loader.parse(view.urdf);
    const plain = new MeshStandardMaterial({ color: 0xc9ced6, roughness: 0.6 });
    const shade = new MeshStandardMaterial({
      color: 0x2fbf8f,
      transparent: true,
      opacity: 0.38,
      depthWrite: false,
      // Where it stands in the real arm the real one is seen.
      polygonOffset: true,
      polygonOffsetFactor: 2,
      polygonOffsetUnits: 2,
    });
    for (const link of Object.values(this.object.links)) {
      const own = link.children.filter((child) => "isURDFVisual" in child);
      const shapes = link.children.filter((child) => "isURDFCollider" in child);
      if (own.some(hasMesh)) for (const shape of shapes) shape.visible = false;
      else if (shapes.some(hasMesh)) for (const shape of shapes) paint(shape, () => plain);
      else addBones(link, plain);
    }
    paint(this.object, (material) => (ghost ? shade : lively(material)));
  }

  /** @param joints in the order of the view's joints @param opening of the gripper, in metres */
  pose(joints: readonly number[], opening?: number): void {
    this.#view.joints.forEach((name, i) => {
      const value = joints[i];
      if (value !== undefined) this.object.setJointValue(name, value);
    });
    const { fingers } = this.#view;
    if (fingers !== undefined && opening !== undefined)
      this.object.setJointValue(fingers.joint, opening * fingers.perOpening);
  }

  /** Where the tool is, in the base. */
  tool(): Vector3 {
    this.object.updateMatrixWorld(true);
    const tip = this.object.links[this.#view.tip];
    const at = tip?.getWorldPosition(new Vector3()) ?? new Vector3();
    return this.object.parent === null ? at : this.object.parent.worldToLocal(at);
  }
}

const hasMesh = (object: Object3D): boolean => {
  let found = false;
  object.traverse((each) => {
    if (each instanceof Mesh) found = true;
  });
  return found;
};

function paint(object: Object3D, choose: (material: Material) => Material): void {
  object.traverse((each) => {
    if (each instanceof Mesh && !Array.isArray(each.material)) each.material = choose(each.material);
  });
}

/** The loader's materials are glossy; only their colours are used. */
function lively(material: Material): Material {
  const color = (material as Material & { color?: Color }).color ?? new Color(0xc9ced6);
  return new MeshStandardMaterial({ color, roughness: 0.55, metalness: 0.05 });
}

function addBones(link: Object3D, material: Material): void {
  for (const joint of link.children.filter((child) => "isURDFJoint" in child)) {
    const length = joint.position.length();
    if (length < 0.02) continue;
    const bone = new Mesh(new CapsuleGeometry(0.035, length, 6, 16), material);
    bone.position.copy(joint.position).multiplyScalar(0.5);
    bone.quaternion.copy(
      new Quaternion().setFromUnitVectors(new Vector3(0, 1, 0), joint.position.clone().normalize()),
    );
    link.add(bone);
  }
}
