// `npm run docs:site [-- --base /NAME/ --out FOLDER]`: one static site of README.md, docs/ and the library's API, into
// out/site. Any static server serves it, with --base below a path. A link that leads nowhere fails the build.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root, setUp, sh, step } from "../lib/setup.mjs";

const { values } = parseArgs({
  options: { base: { type: "string", default: "/" }, out: { type: "string", default: "out/site" } },
});
if (!/^\/([\w.-]+\/)*$/.test(values.base)) {
  process.stderr.write("docs:site: --base begins and ends with a slash, as in /grasp-grounding/\n");
  process.exit(2);
}

const site = join(root, ".cache", "site");
const out = resolve(values.out);
const own = join(root, "scripts", "site");

const fail = (lines) => {
  process.stderr.write(lines.map((line) => `docs:site: ${line}\n`).join(""));
  process.exit(1);
};

await setUp();
const { collect, fileAddress, imagePlace, placeOf } = await import("./pages.mjs");
const { checkLinks } = await import("./links.mjs");
const { folders, sections } = await import("./navigation.mjs");

mkdirSync(site, { recursive: true });
await step("site-packages", {
  inputs: ["scripts/site/package-lock.json", "scripts/site/.npmrc"],
  output: ".cache/site/node_modules/vitepress",
  run: () => {
    for (const name of ["package.json", "package-lock.json", ".npmrc"])
      cpSync(join(own, name), join(site, name));
    const npm = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    sh("npm", npm, { cwd: site, shell: process.platform === "win32" });
  },
});

const { pages, files, images, missing } = collect();
if (missing.length > 0) fail(missing.map((link) => `a link leads nowhere: ${link}`));
const named = new Set(sections.flatMap(({ items }) => items.map(([page]) => page)));
const absent = [...pages.keys()].filter(
  (page) =>
    page !== "README.md" &&
    !page.endsWith("/index.md") &&
    !named.has(page) &&
    !folders.some(({ folder }) => page.startsWith(`${folder}/`)),
);
if (absent.length > 0) fail(absent.map((page) => `${page} has no place in scripts/site/navigation.mjs`));
const gone = [...named].filter((page) => !pages.has(page));
if (gone.length > 0)
  fail(gone.map((page) => `${page} is in scripts/site/navigation.mjs, and no page links to it`));

const target = join(site, "pages");
rmSync(target, { recursive: true, force: true });
const put = (name, text) => {
  mkdirSync(dirname(join(target, name)), { recursive: true });
  writeFileSync(join(target, name), text);
};
for (const [page, text] of pages) put(placeOf(page), page === "README.md" ? home(text) : text);
for (const path of images) cpSync(join(root, path), join(target, imagePlace(path)));
for (const path of files) cpSync(join(root, path), join(target, "public", fileAddress(path)));
put("public/demo.png", readFileSync(join(root, "docs", "images", "demo.png")));
put("public/icon.svg", readFileSync(join(root, "src", "console", "web", "icon.svg")));

/** The first page: the README below a head with the ways into the site. */
function home(text) {
  const [, quote, body] =
    /^# .+\n\n(\*"[\s\S]*?)(?=\n!\[)[\s\S]*?\n(?=## )([\s\S]*)$/.exec(text) ??
    fail(["README.md has another form"]);
  const [first, ...rest] = quote.replaceAll("\n", " ").split(/(?<=\*) /);
  const hero = {
    layout: "home",
    hero: {
      name: "grasp-grounding",
      text: first.replaceAll(/[*"]/g, ""),
      // Its first two sentences.
      tagline: /^(?:.*?\.(?= |$) ?){1,2}/.exec(rest.join(" "))[0].trim(),
      image: { src: "/demo.png", alt: "Five queries answered on the bundled demo" },
      actions: [
        { theme: "brand", text: "A first grasp", link: "/guide/first-grasp" },
        { theme: "alt", text: "ROS 2 interface", link: "/ros-api" },
        { theme: "alt", text: "The library", link: "/guide/library" },
      ],
    },
  };
  return `---\n${JSON.stringify(hero)}\n---\n\n${body}`;
}

const node = (args, env = {}) => sh(process.execPath, args, { env: { ...process.env, ...env } });
const plugin = join(site, "api.mjs");
cpSync(join(own, "api.mjs"), plugin);
node([
  join(site, "node_modules", "typedoc", "bin", "typedoc"),
  ...["--options", join(own, "typedoc.json")],
  ...[
    "--plugin",
    join(site, "node_modules", "typedoc-plugin-markdown", "dist", "index.js"),
    "--plugin",
    plugin,
  ],
  ...["--out", join(target, "api")],
]);

mkdirSync(join(site, ".vitepress"), { recursive: true });
writeFileSync(
  join(site, ".vitepress", "config.mjs"),
  'export { default } from "../../../scripts/site/config.mjs";\n',
);
rmSync(out, { recursive: true, force: true });
node([join(site, "node_modules", "vitepress", "bin", "vitepress.js"), "build", site], {
  GRASP_GROUNDING_SITE_BASE: values.base,
  GRASP_GROUNDING_SITE_OUT: out,
});

const { pages: built, links, broken } = checkLinks(out, values.base);
if (broken.length > 0) fail(broken.map((link) => `a link leads nowhere: ${link}`));
process.stdout.write(`${values.out}: ${built} pages, ${links} links, all of which lead somewhere\n`);
