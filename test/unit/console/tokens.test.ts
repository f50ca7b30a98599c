import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Tokens } from "../../../src/console/server/tokens.js";
import { temporaryFolder } from "../../support/bags.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const [one, two, three] = ["0123456789abcdef", "fedcba9876543210", "0011223344556677"] as const;

it("come from the environment and from a file with comments and blank lines", async () => {
  const path = folder.write("tokens", `# who may do what\n\noperator ${two}\r\n  viewer   ${three}\n`);
  const tokens = await Tokens.load({ GRASP_GROUNDING_OPERATOR_TOKEN: one }, path);
  expect(tokens.size).toBe(3);
  expect([one, two, three, "another"].map((token) => tokens.roleOf(token))).toEqual([
    "operator",
    "operator",
    "viewer",
    undefined,
  ]);
  expect((await Tokens.load({ GRASP_GROUNDING_VIEWER_TOKEN: one })).roleOf(one)).toBe("viewer");
  expect((await Tokens.load({})).size).toBe(0);
});

it.each([
  ["a short one", folder.write("short", "operator secret"), /short line 1.*6 characters is too short/],
  ["a role that is none", folder.write("role", `# x\nadmin ${one}`), /role line 2.*not a role and a token/],
  ["a word too many", folder.write("more", `viewer ${one} ${two}`), /more line 1.*not a role and a token/],
  ["a file that is missing", join(folder.path, "none"), /none.*ENOENT|none.*no such file/],
])("%s is refused, and never printed", async (_, path, message) => {
  const refusal = await Tokens.load({}, path).catch((error: Error) => error.message);
  expect(refusal).toMatch(message);
  for (const secret of [one, two, "secret"]) expect(refusal).not.toContain(secret);
});

it("too short in the environment is refused by the variable's name", async () => {
  await expect(Tokens.load({ GRASP_GROUNDING_VIEWER_TOKEN: "abc" })).rejects.toThrow(
    /GRASP_GROUNDING_VIEWER_TOKEN.*3 characters/,
  );
});
