// VitePress's configuration. build.mjs puts what it reads into .cache/site.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../lib/setup.mjs";
import { folders, sections } from "./navigation.mjs";
import { anchorOf, collect, imageOnSite, linkOnSite, placeOf, titleOf } from "./pages.mjs";

const { pages } = collect();
const pageAt = new Map([...pages.keys()].map((page) => [placeOf(page), page]));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const api = join(root, ".cache", "site", "pages", "api");

const link = (page) => `/${placeOf(page)}`;
const item = ([page, text]) => ({ text: text ?? titleOf(pages.get(page)), link: link(page) });

/** The API's pages: a group for each folder of src, closed until it is wanted. */
const apiItems = readdirSync(api, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({
    text: name.replaceAll("_", " "),
    collapsed: true,
    items: readdirSync(join(api, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md") && !file.endsWith("index.md"))
      .sort()
      .map((file) => ({
        text: file.replace(/^.*\//, "").replace(/(-\d+)?\.md$/, ""),
        link: `/api/${name}/${file}`,
      })),
  }));

const sidebar = [
  ...sections.map(({ text, items }) => ({ text, items: items.map(item) })),
  ...folders.map(({ text, folder }) => ({
    text,
    collapsed: true,
    items: [...pages.keys()]
      .filter((page) => page.startsWith(`${folder}/`) && !page.endsWith("/index.md"))
      .sort()
      .map((page) => item([page])),
  })),
];
const apiSidebar = [{ text: "API of the library", link: "/api/index.md", items: apiItems }];

/** Links and blocks of a page as they are on the site; a page keeps the form that code hosts show. */
const siteLinks = (md) => {
  md.core.ruler.push("site-links", ({ tokens, env }) => {
    const page = pageAt.get(env.relativePath);
    if (page === undefined) return;
    const visit = (each) => {
      // Indented blocks are commands here.
      if (each.type === "code_block") Object.assign(each, { type: "fence", info: "sh" });
      const href = each.attrGet("href");
      if (href !== null) each.attrSet("href", linkOnSite(page, decodeURI(href)));
      const src = each.attrGet("src");
      if (src !== null) each.attrSet("src", imageOnSite(page, decodeURI(src)));
      each.children?.forEach(visit);
    };
    tokens.forEach(visit);
  });
};

const searched = (text, env, md) =>
  /^api\/Errors\/(catalogue|sections)\.md$/.test(env.relativePath) ? "" : md.render(text, env);

const base = process.env.GRASP_GROUNDING_SITE_BASE ?? "/";
const style = readFileSync(join(root, "scripts", "site", "style.css"), "utf8");

export default {
  title: "grasp-grounding",
  description: manifest.description,
  lang: "en",
  base,
  srcDir: "pages",
  outDir: process.env.GRASP_GROUNDING_SITE_OUT,
  cacheDir: join(root, ".cache", "site", "vite"),
  head: [
    ["link", { rel: "icon", href: `${base}icon.svg`, type: "image/svg+xml" }],
    ["style", {}, style],
  ],
  // Braces are text here: `{path}` in an error, `{image, query}` in a data set.
  markdown: { anchor: { slugify: anchorOf }, attrs: { disable: true }, config: siteLinks },
  themeConfig: {
    nav: [
      { text: "Guide", link: link("docs/guide/first-grasp.md"), activeMatch: "^/guide/" },
      { text: "ROS API", link: link("docs/ros-api.md") },
      { text: "Parameters", link: link("docs/ros-parameters.md") },
      { text: "Library", link: "/api/index.md", activeMatch: "^/api/" },
      {
        text: manifest.version,
        items: ["CHANGELOG.md", "MIGRATION.md"]
          .filter((page) => existsSync(join(root, page)))
          .map((page) => item([page])),
      },
    ],
    sidebar: { "/api/": apiSidebar, "/": sidebar },
    outline: { level: [2, 3] },
    // The errors have a page; what their table is in TypeScript would hide it.
    search: { provider: "local", options: { _render: searched } },
    externalLinkIcon: true,
  },
};
