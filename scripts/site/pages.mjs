// The pages of the site: every Markdown page that a reader reaches from README.md, and every other file that one links to.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import MarkdownIt from "markdown-it";
import { root } from "../lib/setup.mjs";

const markdown = new MarkdownIt({ html: true });

/** Files that a browser shows as they are; others are served as text. */
const shownAsIs = /\.(json|ya?ml|png|jpe?g|webp|svg|txt)$/;

/** A heading's anchor, by the rule of code hosts: links between pages work there and here. */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");

/** Whether a link's target lies in this repository. */
const isLocal = (target) => !/^[a-z]+:|^\/\//i.test(target);

/** Where a page stands on the site, relative to its root: README.md is the first page, docs/ has no folder of its own. */
export const placeOf = (page) => (page === "README.md" ? "index.md" : page.replace(/^docs\//, ""));

/** The address of a file that is no page, below the root of the site. */
export const fileAddress = (path) => `/files/${path}${shownAsIs.test(path) ? "" : ".txt"}`;

/** Links and images of a Markdown text, as written. */
function targetsOf(text) {
  const found = [];
  const visit = (tokens) => {
    for (const token of tokens) {
      const link = token.attrGet("href");
      const image = token.attrGet("src");
      if (link ?? image) found.push({ target: decodeURI(link ?? image), image: link === null });
      if (token.children) visit(token.children);
    }
  };
  visit(markdown.parse(text, {}));
  return found;
}

/** A page made for a folder that a page links to. */
function folderPage(path) {
  const names = readdirSync(join(root, path)).filter((name) => statSync(join(root, path, name)).isFile());
  const lines = names.sort().map((name) => {
    const text = name.endsWith(".md") ? titleOf(readFileSync(join(root, path, name), "utf8")) : `\`${name}\``;
    return `- [${text}](${name})`;
  });
  return `# ${path.replace(/^docs\//, "")}\n\n${lines.join("\n")}\n`;
}

/** The first heading of a page, as text. */
export const titleOf = (text) => /^# (.+)$/m.exec(text)?.[1].replaceAll("`", "") ?? "";

/**
 * Follows the links from README.md.
 *
 * @returns {{ pages: Map<string, string>, files: Set<string>, images: Set<string>, missing: string[] }} pages by their
 *   path in the repository (a folder's is FOLDER/index.md); files that are linked; images that are shown; links that
 *   lead nowhere
 */
export function collect() {
  const pages = new Map([["README.md", readFileSync(join(root, "README.md"), "utf8")]]);
  const files = new Set();
  const images = new Set();
  const missing = [];
  for (const [page, text] of pages)
    for (const { target, image } of targetsOf(text)) {
      if (!isLocal(target) || target.startsWith("#")) continue;
      const path = posix.join(dirname(page), target.split("#")[0]).replace(/\/$/, "");
      const full = join(root, path);
      if (!existsSync(full)) missing.push(`${page}: ${target}`);
      else if (image) images.add(path);
      else if (statSync(full).isDirectory()) pages.set(`${path}/index.md`, folderPage(path));
      else if (path.endsWith(".md")) pages.set(path, readFileSync(full, "utf8"));
      else files.add(path);
    }
  return { pages, files, images, missing };
}

/** An image's place among the pages. */
export const imagePlace = (path) => path.replace(/^docs\//, "");

/** An image as a page names it, as the page on the site names it. */
export function imageOnSite(page, target) {
  if (!isLocal(target)) return target;
  const path = posix.relative(dirname(placeOf(page)), imagePlace(posix.join(dirname(page), target)));
  return path.startsWith(".") ? path : `./${path}`;
}

/**
 * A link as it stands in the repository, as it is on the site.
 *
 * @param {string} page path of the page that holds the link
 * @param {string} target the link as written
 */
export function linkOnSite(page, target) {
  if (!isLocal(target) || target.startsWith("#")) return target;
  const [link, anchor] = target.split("#");
  const path = posix.join(dirname(page), link).replace(/\/$/, "");
  const end = anchor === undefined ? "" : `#${anchor}`;
  const full = join(root, path);
  if (existsSync(full) && statSync(full).isDirectory()) return `/${placeOf(`${path}/index.md`)}${end}`;
  return path.endsWith(".md") ? `/${placeOf(path)}${end}` : fileAddress(path);
}
