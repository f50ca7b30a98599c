import { escapeHtml, scoreHistogram } from "../report/charts.js";
import { card, colourOf, image, page } from "../report/page.js";
import { packageVersion } from "../system/index.js";
import { byCategory, type EvalRow, type Summary, summarise, thresholds } from "./metrics.js";
import { saying, type WorstCase } from "./worst.js";

export interface EvalReport {
  readonly title: string;
  readonly model: string;
  readonly rows: readonly EvalRow[];
  readonly worst: readonly WorstCase[];
}

/** Accuracy on a data set as one self-contained HTML file. */
export function evalPage({ title, model, rows, worst }: EvalReport): string {
  const all = summarise(rows, true);
  const between = (key: string) => {
    const [low, high] = all.intervals?.[key] ?? [0, 0];
    return `${low.toFixed(3)} to ${high.toFixed(3)}`;
  };
  const cards = [
    card(String(all.n), "queries"),
    card(all.mean_iou.toFixed(3), `mean IoU of boxes (${between("mean_iou")})`),
    card((all.precision_at["0.5"] ?? 0).toFixed(3), `precision at 0.5 (${between("precision_at_0.5")})`),
    ...(all.mean_mask_iou === undefined
      ? []
      : [card(all.mean_mask_iou.toFixed(3), `mean IoU of masks (${between("mean_mask_iou")})`)]),
    ...(all.false_find_rate === undefined
      ? []
      : [card(all.false_find_rate.toFixed(3), `false finds (${between("false_find_rate")})`)]),
  ];
  const present = rows.filter((row) => !row.absent);
  const masks = present.flatMap((row) => row.mask_iou ?? []);
  const histograms = [
    `<div>IoU of boxes${scoreHistogram(
      present.map((row) => row.iou),
      colourOf(0),
    )}</div>`,
    masks.length > 0 ? `<div>IoU of masks${scoreHistogram(masks, colourOf(1))}</div>` : "",
  ];
  const groups = Object.entries(byCategory(rows, true)).flatMap(([category, values]) =>
    Object.entries(values).map(([value, summary]) => [`${category}: ${value}`, summary] as const),
  );
  const figures = worst.map(
    ({ row, jpeg }) =>
      `<figure${row.absent ? ' class="moment"' : ""}><img alt="${escapeHtml(saying(row))}" src="${image(jpeg)}"><figcaption><b>${escapeHtml(saying(row))}</b><br>${escapeHtml(row.image)}</figcaption></figure>`,
  );
  const body = [
    `<div class="cards">${cards.join("")}</div>`,
    `<h2>Distribution</h2><div class="panel charts">${histograms.join("")}</div>`,
    "<h2>By category, with 95 % intervals</h2>",
    categoryTable([["all", all], ...groups]),
    worst.length === 0
      ? ""
      : `<h2>Worst cases</h2><p class="sub">The answer in colour, the truth dashed in white.</p><div class="gallery">${figures.join("")}</div>`,
    `<footer>grasp-grounding ${escapeHtml(packageVersion())}. IoU and precision count present objects; intervals are percentile bootstraps of 1,000 resamples.</footer>`,
  ];
  return page({
    title: `Accuracy on ${title.split("/").at(-1)}`,
    sub: `model ${escapeHtml(model)}`,
    body: body.join("\n"),
  });
}

function categoryTable(groups: readonly (readonly [string, Summary])[]): string {
  const cell = (value: number | undefined, interval?: readonly [number, number]) =>
    `<td class="n">${value === undefined ? "" : value.toFixed(3)}${
      interval === undefined || value === undefined
        ? ""
        : `<br><small style="color:var(--soft)">${interval[0].toFixed(2)}–${interval[1].toFixed(2)}</small>`
    }</td>`;
  const lines = groups.map(([name, s]) => {
    const at = (key: string) => s.intervals?.[key];
    return `<tr><td>${escapeHtml(name)}</td><td class="n">${s.n}</td>${cell(s.mean_iou, at("mean_iou"))}${thresholds
      .map((t) => cell(s.precision_at[t.toFixed(1)], at(`precision_at_${t.toFixed(1)}`)))
      .join(
        "",
      )}${cell(s.mean_mask_iou, at("mean_mask_iou"))}${cell(s.found_rate)}${cell(s.false_find_rate, at("false_find_rate"))}</tr>`;
  });
  const titles = ["n", "mean IoU", ...thresholds.map((t) => `P@${t}`), "mask IoU", "found", "false finds"];
  return `<div class="panel scroll"><table><thead><tr><th></th>${titles.map((each) => `<th class="n">${each}</th>`).join("")}</tr></thead><tbody>${lines.join("")}</tbody></table></div>`;
}
