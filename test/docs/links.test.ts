import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";
import { anchors, localLinks, pages } from "../support/docs.js";
import { repository } from "../support/python.js";

it.each(pages)("%s: links lead somewhere", (page) => {
  const broken = localLinks(page).filter(({ target }) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(repository, file))) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchors(file).has(anchor);
  });
  expect(broken.map(({ target }) => target)).toEqual([]);
});

it("every page of docs/ is linked from the README or from a page that is", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached)
    for (const { target } of localLinks(page)) {
      const file = normalize(join(dirname(page), target.split("#")[0] ?? ""));
      if (pages.includes(file)) reached.add(file);
      // A link to a folder is a link to what is in it.
      else for (const inside of pages) if (dirname(inside) === file) reached.add(inside);
    }
  expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
});
