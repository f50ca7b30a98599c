import { expect, it } from "vitest";
import { namedPositions } from "../../../src/arm/index.js";

const srdf = `<?xml version="1.0"?>
<robot name="panda">
  <group name="arm"><chain base_link="base" tip_link="tool"/></group>
  <group_state name="ready" group="arm"><joint name="j1" value="0"/><joint name="j2" value="-0.785"/></group_state>
  <group_state name="ready" group="other"><joint name="j1" value="1"/><joint name="j2" value="1"/></group_state>
  <group_state name="half" group="arm"><joint name="j1" value="0.5"/></group_state>
  <group_state name="bad" group="arm"><joint name="j1" value="x"/><joint name="j2" value="1"/></group_state>
</robot>`;

it("reads the states that name every joint of the chain, in the chain's order", () => {
  expect(namedPositions(srdf, ["j2", "j1"])).toEqual({ ready: [-0.785, 0] });
  expect(namedPositions(srdf, ["j1"])).toEqual({ ready: [0], half: [0.5] });
});

it("refuses what is no SRDF", () => {
  expect(() => namedPositions("<robot", ["j1"])).toThrow(/SRDF/);
  expect(() => namedPositions("<other/>", ["j1"])).toThrow(/root element/);
});
