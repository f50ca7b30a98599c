import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import MarkdownIt from "markdown-it";
import { repository } from "./python.js";

/** Markdown pages of the repository, relative to its root. */
export const pages: readonly string[] = execFileSync("git", ["ls-files", "*.md"], {
  cwd: repository,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "");

export interface DocCommand {
  readonly page: string;
  readonly line: number;
  /** One command of one line, continuation lines joined, without its comment. */
  readonly text: string;
}

export interface DocLink {
  readonly page: string;
  readonly target: string;
}

const markdown = new MarkdownIt({ html: true });
const parse = (page: string) => markdown.parse(readFileSync(join(repository, page), "utf8"), {});

/** Indented blocks that hold commands begin with one of these. */
const startsLikeCommand = /^\s*(npx|npm|node|grasp-grounding|ros2|colcon|python3?|git|\.) /;

/** Every command of the `sh` blocks and the indented blocks of commands of a page. */
export function fencedCommands(page: string): DocCommand[] {
  return parse(page)
    .filter(
      ({ type, info, content }) =>
        (type === "fence" && /^(sh|bash|shell)\b/.test(info.trim())) ||
        (type === "code_block" && startsLikeCommand.test(content)),
    )
    .flatMap(({ type, content, map }) => {
      const commands: DocCommand[] = [];
      let start = map?.[0] ?? 0;
      let pending = "";
      for (const [offset, raw] of content.split("\n").entries()) {
        if (pending === "") start = (map?.[0] ?? 0) + (type === "fence" ? 2 : 1) + offset;
        const line = `${pending}${raw.trim()}`;
        if (line.endsWith("\\")) {
          pending = `${line.slice(0, -1).trim()} `;
          continue;
        }
        pending = "";
        const text = line.replace(/(^|\s)#.*$/, "").trim();
        if (text !== "") commands.push({ page, line: start, text });
      }
      return commands;
    });
}

/** Calls of the program in running text: code spans that begin with its name. */
export function inlineCommands(page: string): DocCommand[] {
  return parse(page).flatMap((token) =>
    (token.children ?? [])
      .filter(({ type, content }) => type === "code_inline" && /^(npx )?grasp-grounding /.test(content))
      .map(({ content }) => ({ page, line: (token.map?.[0] ?? 0) + 1, text: content })),
  );
}

/** Links and images of a page that point into the repository. */
export function localLinks(page: string): DocLink[] {
  const found: DocLink[] = [];
  const visit = (tokens: ReturnType<typeof parse>) => {
    for (const token of tokens) {
      const target = token.attrGet("href") ?? token.attrGet("src");
      if (target !== null && !/^[a-z]+:/i.test(String(target)))
        found.push({ page, target: decodeURI(String(target)) });
      if (token.children !== null) visit(token.children);
    }
  };
  visit(parse(page));
  return found;
}

/** Anchors of a page's headings, by the rule of code hosts. */
export function anchors(page: string): Set<string> {
  const tokens = parse(page);
  return new Set(
    tokens.flatMap(({ type }, i) =>
      type === "heading_open"
        ? [
            (tokens[i + 1]?.children ?? [])
              .map(({ content }) => content)
              .join("")
              .toLowerCase()
              .replace(/[^\p{L}\p{N}\s_-]/gu, "")
              .replace(/\s/g, "-"),
          ]
        : [],
    ),
  );
}

/** A command line split as a shell does it, quotes removed. @throws Error when a quote is not closed */
export function words(text: string): string[] {
  const found: string[] = [];
  const pattern = /\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)/gy;
  let at = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    found.push((match[1] ?? "").replace(/"([^"]*)"|'([^']*)'/g, (_, a?: string, b?: string) => a ?? b ?? ""));
    at = pattern.lastIndex;
  }
  if (text.slice(at).trim() !== "") throw new Error(`a quote is not closed: ${text}`);
  return found;
}
