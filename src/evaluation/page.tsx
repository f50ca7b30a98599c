import { ScoreHistogram } from "../report/charts.js";
import { Card, colourOf, Figure, renderPage } from "../report/page.js";
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
  const groups = Object.entries(byCategory(rows, true)).flatMap(([category, values]) =>
    Object.entries(values).map(([value, summary]) => [`${category}: ${value}`, summary] as const),
  );
  return renderPage({
    title: `Accuracy on ${title.split("/").at(-1)}`,
    subtitle: `model ${model}`,
    children: (
      <>
        <Cards all={all} />
        <h2>Distribution</h2>
        <Histograms rows={rows} />
        <h2>By category, with 95 % intervals</h2>
        <CategoryTable groups={[["all", all], ...groups]} />
        {worst.length > 0 && <WorstGallery worst={worst} />}
        <footer>
          grasp-grounding {packageVersion()}. IoU and precision count present objects; intervals are
          percentile bootstraps of 1,000 resamples.
        </footer>
      </>
    ),
  });
}

function Cards({ all }: { readonly all: Summary }) {
  const between = (key: string) => {
    const [low, high] = all.intervals?.[key] ?? [0, 0];
    return `${low.toFixed(3)} to ${high.toFixed(3)}`;
  };
  const precision = (all.precision_at["0.5"] ?? 0).toFixed(3);
  return (
    <div class="cards">
      <Card value={String(all.n)} label="queries" />
      <Card value={all.mean_iou.toFixed(3)} label={`mean IoU of boxes (${between("mean_iou")})`} />
      <Card value={precision} label={`precision at 0.5 (${between("precision_at_0.5")})`} />
      {all.mean_mask_iou !== undefined && (
        <Card
          value={all.mean_mask_iou.toFixed(3)}
          label={`mean IoU of masks (${between("mean_mask_iou")})`}
        />
      )}
      {all.false_find_rate !== undefined && (
        <Card value={all.false_find_rate.toFixed(3)} label={`false finds (${between("false_find_rate")})`} />
      )}
    </div>
  );
}

function Histograms({ rows }: { readonly rows: readonly EvalRow[] }) {
  const present = rows.filter((row) => !row.absent);
  const masks = present.flatMap((row) => row.mask_iou ?? []);
  return (
    <div class="panel charts">
      <div>
        IoU of boxes
        <ScoreHistogram scores={present.map((row) => row.iou)} colour={colourOf(0)} />
      </div>
      {masks.length > 0 && (
        <div>
          IoU of masks
          <ScoreHistogram scores={masks} colour={colourOf(1)} />
        </div>
      )}
    </div>
  );
}

const WorstGallery = ({ worst }: { readonly worst: readonly WorstCase[] }) => (
  <>
    <h2>Worst cases</h2>
    <p class="sub">The answer in colour, the truth dashed in white.</p>
    <div class="gallery">
      {worst.map(({ row, jpeg }) => (
        <Figure jpeg={jpeg} alt={saying(row)} highlighted={row.absent}>
          <b>{saying(row)}</b>
          <br />
          {row.image}
        </Figure>
      ))}
    </div>
  </>
);

function CategoryTable({ groups }: { readonly groups: readonly (readonly [string, Summary])[] }) {
  const titles = ["n", "mean IoU", ...thresholds.map((t) => `P@${t}`), "mask IoU", "found", "false finds"];
  return (
    <div class="panel scroll">
      <table>
        <thead>
          <tr>
            <th />
            {titles.map((title) => (
              <th class="n">{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(([name, summary]) => (
            <CategoryLine name={name} summary={summary} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CategoryLine({ name, summary }: { readonly name: string; readonly summary: Summary }) {
  const { intervals, precision_at } = summary;
  return (
    <tr>
      <td>{name}</td>
      <td class="n">{summary.n}</td>
      <Cell value={summary.mean_iou} interval={intervals?.mean_iou} />
      {thresholds
        .map((t) => t.toFixed(1))
        .map((t) => (
          <Cell value={precision_at[t]} interval={intervals?.[`precision_at_${t}`]} />
        ))}
      <Cell value={summary.mean_mask_iou} interval={intervals?.mean_mask_iou} />
      <Cell value={summary.found_rate} />
      <Cell value={summary.false_find_rate} interval={intervals?.false_find_rate} />
    </tr>
  );
}

interface CellProps {
  readonly value: number | undefined;
  readonly interval?: readonly [number, number] | undefined;
}

function Cell({ value, interval }: CellProps) {
  if (value === undefined) return <td class="n" />;
  return (
    <td class="n">
      {value.toFixed(3)}
      {interval !== undefined && (
        <>
          <br />
          <small style="color:var(--soft)">
            {interval[0].toFixed(2)}–{interval[1].toFixed(2)}
          </small>
        </>
      )}
    </td>
  );
}
