/** Parts of URDFs for tests. */

export const limit = '<limit lower="-1" upper="2" velocity="3" effort="1"/>';

export const link = (...names: string[]): string => names.map((name) => `<link name="${name}"/>`).join("");

export const joint = (
  name: string,
  parent: string,
  child: string,
  type = "revolute",
  body?: string,
): string => {
  const inner = body ?? (type === "fixed" ? "" : limit);
  return `<joint name="${name}" type="${type}"><parent link="${parent}"/><child link="${child}"/>${inner}</joint>`;
};

export const robot = (...parts: string[]): string =>
  `<?xml version="1.0"?><robot name="r">${parts.join("")}</robot>`;

/** A chain of `count` joints, its links `${prefix}link_1` and so on; the base is written unless another parent is named. */
export const serialArm = (count: number, prefix = "", parent = "base_link", type = "revolute"): string[] => [
  ...(parent === "base_link" ? [link(parent)] : []),
  ...Array.from({ length: count }, (_, k) => {
    const name = `${prefix}link_${k + 1}`;
    return link(name) + joint(`${prefix}joint_${k + 1}`, k === 0 ? parent : `${prefix}link_${k}`, name, type);
  }),
];

/** `count` joints one after the other, named from `name` on. */
export const finger = (name: string, parent: string, count: number, type = "revolute"): string =>
  Array.from({ length: count }, (_, k) => {
    const from = k === 0 ? parent : `${name}_body_${k}`;
    return link(`${name}_body_${k + 1}`) + joint(`${name}_${k + 1}`, from, `${name}_body_${k + 1}`, type);
  }).join("");
