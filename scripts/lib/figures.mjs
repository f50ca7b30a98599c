// Figures in pages and the results they come from. A mark is a comment right after its figures:
//   0.82<!-- model-lite.json sets/rendered/precision_at_0.5/mean -->
//   90 %<!-- grasp-physics.json single/methods/planner/rate * 100 -->
//   3 / 6 ms, at rest 10 / 12 ms<!-- arm-stops.json cancel/{left_node_ms,at_rest_ms}/{p50,p99} -->
//   13.2 and 14.9<!-- bench-inference.json inference/throughput_per_s/in_process_two_threads; inference/throughput_per_s/zmq_2_workers_of_one_thread -->
// Semicolons separate terms; a term may have a factor. A mark with n paths belongs to the last n numbers before it, in their order.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const mark = /<!--\s*([\w.-]+\.json)\s+([^>]*?)\s*-->/g;
const number = /(?<![\w.])(?:(?<=^|[\s(|*])-)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]*\d)/g;

/** a/{b,c}/{d,e} -> a/b/d, a/b/e, a/c/d, a/c/e */
function expand(path) {
  const brace = /\{([^{}]*)\}/.exec(path);
  if (brace === null) return [path];
  return brace[1].split(",").flatMap((part) => expand(path.replace(brace[0], part.trim())));
}

function terms(text) {
  return text.split(";").flatMap((term) => {
    const [, path = "", factor = "1"] = /^\s*(.*?)(?:\s*\*\s*(-?[\d.e-]+))?\s*$/.exec(term) ?? [];
    return expand(path).map((each) => ({ path: each, factor: Number(factor) }));
  });
}

/** Every marked figure of a page's text: the digits shown, their offset, and the result's file, path and factor. */
export function markedFigures(text) {
  let from = 0;
  return [...text.matchAll(mark)].flatMap((match) => {
    const start = Math.max(from, text.lastIndexOf("\n\n", match.index));
    from = match.index + match[0].length;
    const shown = [...text.slice(start, match.index).matchAll(number)];
    const wanted = terms(match[2]);
    return wanted.map(({ path, factor }, i) => {
      const found = shown[shown.length - wanted.length + i];
      return {
        shown: found?.[0],
        at: found === undefined ? undefined : start + found.index,
        file: match[1],
        path,
        factor,
      };
    });
  });
}

/** How many marks a text has. */
export const marksOf = (text) => [...text.matchAll(mark)].length;

/** @returns the number a result has at a path, or undefined */
export function resultAt(folder, file, path) {
  let value;
  try {
    value = JSON.parse(readFileSync(join(folder, file), "utf8"));
  } catch {
    return undefined;
  }
  for (const key of path.split("/")) value = value?.[key];
  return typeof value === "number" ? value : undefined;
}

/** A value in the format of the page: as many decimals, and commas where the page has them. */
export function asShown(value, shown) {
  const [whole, decimals] = value.toFixed(shown.split(".")[1]?.length ?? 0).split(".");
  const grouped = /,/.test(shown) || Math.abs(value) >= 1e4 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole;
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

/** The text with every marked figure set to the value of its result. */
export function withFigures(text, folder) {
  let changed = text;
  for (const { shown, at, file, path, factor } of markedFigures(text).reverse()) {
    const value = resultAt(folder, file, path);
    if (shown === undefined || value === undefined) continue;
    changed = changed.slice(0, at) + asShown(value * factor, shown) + changed.slice(at + shown.length);
  }
  return changed;
}

const generated = /<!--\s*(\w+):\s*begin\s*-->[\s\S]*?<!--\s*\1:\s*end\s*-->/g;
const measuring =
  /\b(measured|took|takes? (about |some |around )?(?=\d)|medians?|on average|p50|p9[059]|timed|times (as )?(fast|slow)\w*|of (one|a) core|came through)\b/i;
/** A unit alone in a table's head: `ms, median`. */
const units = /\b(ms|seconds|MB|MiB|fps|Hz)\b|%/;
const quantity =
  /\d\s?(%|ms|µs|s|seconds?|minutes?|px|mm|cm|GB|MB|kB|GiB|MiB|fps|Hz|points|(?:images|frames) (?:a|per) second|times)(?![\w/])/;

/** Whether words state a measured quantity. The head of a table counts with each row, and may name the unit. */
function speaks(words, head = "") {
  const quantified =
    quantity.test(words) || (units.test(head) && /\d/.test(words.split("|").slice(2).join("|")));
  return measuring.test(`${head} ${words}`) && quantified;
}

/**
 * Statements and table rows of a page that state a measured quantity without a mark. `<!-- no result: WHY -->` in one exempts it.
 * Code and the parts that scripts write are skipped.
 */
export function unmarked(text) {
  const running = text
    .replace(generated, "")
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/^( {4}|\t).*$/gm, "");
  const plain = (words) => words.replace(/`[^`]*`/g, "");
  return running
    .split(/\n\s*\n/)
    .flatMap((block) => {
      if (!/^\s*\|/.test(block))
        return block.split(/(?<=[.:])\s+(?=[A-Z])/).filter((each) => speaks(plain(each)));
      const [head = "", , ...rows] = block.trim().split("\n");
      return rows.filter((row) => speaks(plain(row), plain(head)));
    })
    .filter((each) => !/<!--\s*([\w.-]+\.json|no result:)/.test(each))
    .map((each) => each.replace(/\s+/g, " ").trim());
}
