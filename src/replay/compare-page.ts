import { escapeHtml, quantile, strip } from "../report/charts.js";
import { card, colourOf, image, page } from "../report/page.js";
import { packageVersion } from "../system/index.js";
import { agreements } from "./agreement.js";
import type { DifferenceImage } from "./differences.js";
import type { ComparedSetting, Pair } from "./types.js";

export interface Comparison {
  readonly settings: readonly ComparedSetting[];
  readonly pairs: readonly Pair[];
  readonly images: readonly DifferenceImage[];
  readonly problems: readonly string[];
}

/** Two settings side by side as one self-contained HTML file, the frames on which they differ first. */
export function comparePage({ settings, pairs, images, problems }: Comparison): string {
  const same = pairs.filter(({ a, b }) => a.found === b.found).length;
  const both = pairs.filter(({ a, b }) => a.found && b.found);
  const overlap = both.reduce((sum, { agreement }) => sum + agreement, 0) / Math.max(1, both.length);
  const median = ({ latencies }: ComparedSetting) =>
    quantile(
      [...latencies].sort((x, y) => x - y),
      0.5,
    );
  const [a, b] = settings as [ComparedSetting, ComparedSetting];
  const cards = [
    card(String(pairs.length), "answers of each"),
    card(`${((same / pairs.length) * 100).toFixed(0)} %`, "agree whether it is there"),
    card(both.length === 0 ? "–" : overlap.toFixed(3), "mean overlap where both found it"),
    card(`${median(a).toFixed(0)} ms`, `A: ${a.name}, a frame`),
    card(`${median(b).toFixed(0)} ms`, `B: ${b.name}, a frame`),
    card(`${(median(b) / Math.max(1e-9, median(a))).toFixed(2)}×`, "time of B to A"),
  ];
  const rows = agreements(pairs).map((one, q) => {
    const points = pairs
      .filter((pair) => pair.query === one.query)
      .map((pair, i) => ({ x: pair.time || i, value: pair.agreement }));
    const cells = [one.bothFound, one.neither, one.onlyA, one.onlyB]
      .map((n) => `<td class="n">${n}</td>`)
      .join("");
    return `<tr><td>${escapeHtml(one.query)}</td>${cells}<td class="n">${one.bothFound === 0 ? "–" : one.overlap.toFixed(3)}</td><td style="min-width:220px">${strip(points, colourOf(q))}</td></tr>`;
  });
  const figures = images.map(({ pair, jpeg }) => {
    const say = ({ found, score }: Pair["a"]) => (found ? score.toFixed(2) : "not found");
    return `<figure><img alt="${escapeHtml(`${pair.query} at ${pair.time.toFixed(2)} s, A left and B right`)}" src="${image(jpeg)}"><figcaption><b>${pair.time.toFixed(2)} s</b> · ${escapeHtml(pair.query)} · A <b>${say(pair.a)}</b> · B <b>${say(pair.b)}</b> · overlap ${pair.agreement.toFixed(2)}</figcaption></figure>`;
  });
  const body = [
    `<div class="cards">${cards.join("")}</div>`,
    ...problems.map((text) => `<div class="note">${escapeHtml(text)}</div>`),
    `<h2>Queries</h2><div class="panel scroll"><table><thead><tr><th>query</th><th class="n">both found</th><th class="n">neither</th><th class="n">only A</th><th class="n">only B</th><th class="n">overlap</th><th>agreement along the recording</th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`,
    figures.length === 0
      ? "<h2>Differing frames</h2><p>None: every answer overlaps by 0.95 or more.</p>"
      : `<h2>Differing frames, the most different first</h2><div class="gallery pair">${figures.join("")}</div>`,
    `<footer>grasp-grounding ${escapeHtml(packageVersion())}. Overlap is the intersection over union of the masks.</footer>`,
  ];
  const title = `${a.name} against ${b.name}`;
  const sources = [...new Set(pairs.map(({ source }) => source))].join(", ");
  return page({
    title,
    sub: `${escapeHtml(sources)} · A is on the left, B on the right`,
    body: body.join("\n"),
  });
}
