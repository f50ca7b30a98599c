import { median } from "../geometry/index.js";
import { Strip } from "../report/charts.js";
import { Card, colourOf, Figure, Notes, renderPage } from "../report/page.js";
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
export function comparePage(comparison: Comparison): string {
  const { settings, pairs, problems } = comparison;
  const [a, b] = settings as [ComparedSetting, ComparedSetting];
  const sources = [...new Set(pairs.map(({ source }) => source))].join(", ");
  return renderPage({
    title: `${a.name} against ${b.name}`,
    subtitle: `${sources} · A is on the left, B on the right`,
    children: (
      <>
        <Cards a={a} b={b} pairs={pairs} />
        <Notes texts={problems} />
        <h2>Queries</h2>
        <QueryTable pairs={pairs} />
        <Differences images={comparison.images} />
        <footer>
          grasp-grounding {packageVersion()}. Overlap is the intersection over union of the masks.
        </footer>
      </>
    ),
  });
}

interface CardsProps {
  readonly a: ComparedSetting;
  readonly b: ComparedSetting;
  readonly pairs: readonly Pair[];
}

function Cards({ a, b, pairs }: CardsProps) {
  const same = pairs.filter((pair) => pair.a.found === pair.b.found).length;
  const both = pairs.filter((pair) => pair.a.found && pair.b.found);
  const overlap = both.reduce((sum, { agreement }) => sum + agreement, 0) / both.length;
  const [msA, msB] = [median(a.latencies), median(b.latencies)];
  return (
    <div class="cards">
      <Card value={String(pairs.length)} label="answers of each" />
      <Card value={`${((same / pairs.length) * 100).toFixed(0)} %`} label="agree whether it is there" />
      <Card value={both.length === 0 ? "–" : overlap.toFixed(3)} label="mean overlap where both found it" />
      <Card value={`${msA.toFixed(0)} ms`} label={`A: ${a.name}, a frame`} />
      <Card value={`${msB.toFixed(0)} ms`} label={`B: ${b.name}, a frame`} />
      <Card value={`${(msB / Math.max(1e-9, msA)).toFixed(2)}×`} label="time of B to A" />
    </div>
  );
}

const QueryTable = ({ pairs }: { readonly pairs: readonly Pair[] }) => (
  <div class="panel scroll">
    <table>
      <thead>
        <tr>
          <th>query</th>
          {["both found", "neither", "only A", "only B", "overlap"].map((title) => (
            <th class="n">{title}</th>
          ))}
          <th>agreement along the recording</th>
        </tr>
      </thead>
      <tbody>
        {agreements(pairs).map(({ query, bothFound, neither, onlyA, onlyB, overlap }, q) => (
          <tr>
            <td>{query}</td>
            {[bothFound, neither, onlyA, onlyB].map((n) => (
              <td class="n">{n}</td>
            ))}
            <td class="n">{bothFound === 0 ? "–" : overlap.toFixed(3)}</td>
            <td style="min-width:220px">
              <Strip
                points={pairs
                  .filter((pair) => pair.query === query)
                  .map((pair, i) => ({ x: pair.time || i, value: pair.agreement }))}
                colour={colourOf(q)}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

function Differences({ images }: { readonly images: readonly DifferenceImage[] }) {
  if (images.length === 0)
    return (
      <>
        <h2>Differing frames</h2>
        <p>None: every answer overlaps by 0.95 or more.</p>
      </>
    );
  return (
    <>
      <h2>Differing frames, the most different first</h2>
      <div class="gallery pair">
        {images.map(({ pair, jpeg }) => (
          <Figure jpeg={jpeg} alt={`${pair.query} at ${pair.time.toFixed(2)} s, A left and B right`}>
            <b>{pair.time.toFixed(2)} s</b> · {pair.query} · A <b>{scoreText(pair.a)}</b> · B{" "}
            <b>{scoreText(pair.b)}</b> · overlap {pair.agreement.toFixed(2)}
          </Figure>
        ))}
      </div>
    </>
  );
}

const scoreText = ({ found, score }: Pair["a"]): string => (found ? score.toFixed(2) : "not found");
