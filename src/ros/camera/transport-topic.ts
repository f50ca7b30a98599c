import type { RclNode } from "../rcl.js";

/**
 * The topic of an image transport, `BASE/TRANSPORT`. A remapping of BASE moves it along, as image_transport does; a
 * remapping of the topic itself comes first.
 * @param base for example camera/color/image_raw.
 * @param transport for example compressed.
 */
export function transportTopic(node: RclNode, base: string, transport: string): string {
  const topic = `${base}/${transport}`;
  const isRemapped = node.resolveTopicName(topic) !== node.resolveTopicName(topic, true);
  return isRemapped ? topic : `${node.resolveTopicName(base)}/${transport}`;
}
