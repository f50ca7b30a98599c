// Checks the built site: every link, image and anchor of every page leads to something in it.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

const decoded = (text) => decodeURI(text.replaceAll("&amp;", "&"));

/**
 * @param {string} site folder of the built site
 * @param {string} base path below which it is served, "/" or "/NAME/"
 * @returns {{ pages: number, links: number, broken: string[] }} the broken ones as "page: target"
 */
export function checkLinks(site, base = "/") {
  const pages = readdirSync(site, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".html"),
  );
  const read = new Map(
    pages.map((page) => {
      const html = readFileSync(join(site, page), "utf8").replace(/<script\b[\s\S]*?<\/script>/g, "");
      const ids = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => decoded(id)));
      const targets = [...html.matchAll(/<(?:a|img|link|source|video)\b[^>]*?\s(?:href|src)="([^"]*)"/g)];
      return [page, { ids, targets: new Set(targets.map(([, target]) => decoded(target))) }];
    }),
  );
  let links = 0;
  const broken = [];
  for (const [page, { targets }] of read)
    for (const target of targets) {
      if (/^([a-z]+:|\/\/)/i.test(target)) continue;
      links++;
      const [address, anchor] = target.split("#");
      let path = posix.join("/", posix.dirname(page), address);
      if (address === "") path = `/${page}`;
      else if (address.startsWith("/"))
        path = address.startsWith(base) ? `/${address.slice(base.length)}` : "";
      let file = path.slice(1);
      if (path.endsWith("/")) file += "index.html";
      const there = path !== "" && existsSync(join(site, file)) && statSync(join(site, file)).isFile();
      if (!there || (anchor && read.has(file) && !read.get(file).ids.has(anchor)))
        broken.push(`${page}: ${target}`);
    }
  return { pages: pages.length, links, broken };
}
