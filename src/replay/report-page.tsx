import { median, quantile } from "../geometry/index.js";
import { BandPlot, ScoreHistogram, Strip } from "../report/charts.js";
import { Card, colourOf, Dot, Figure, Notes, renderPage } from "../report/page.js";
import type { ReportRows, Row } from "./report-rows.js";
import type { Thumbnail } from "./thumbnails.js";

/** Facts of the run for the page. */
export interface Report {
  readonly title: string;
  readonly model: string;
  readonly frames: number;
  readonly dropped: number;
  readonly seconds: number;
  /** Shares of the wall time, 0..1. */
  readonly shares: { readonly reading: number; readonly model: number; readonly writing: number };
  readonly damage: readonly string[];
  readonly interrupted: boolean;
  readonly version: string;
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

/** The report of a replay as one self-contained HTML file. */
export function reportPage(report: Report, data: ReportRows, images: readonly Thumbnail[]): string {
  const several = data.sources.length > 1;
  const position: Position = (row, i) => (several ? i : row.time);
  const subtitle = `${data.topics.join(", ")} · model ${report.model} · ${report.seconds.toFixed(1)} s of work`;
  return renderPage({
    title: report.title,
    subtitle,
    answers: answersData(data),
    children: (
      <>
        <Cards report={report} data={data} />
        <Notes texts={notesOf(report, data)} />
        <h2>Queries</h2>
        <QueryTable data={data} position={position} />
        <h2>Latency and scores</h2>
        <div class="two">
          <Latencies data={data} position={position} label={several ? "answers" : "seconds from the start"} />
          <Scores data={data} />
        </div>
        {images.length > 0 && (
          <>
            <h2>Images</h2>
            <div class="gallery">{images.map(thumbnail)}</div>
          </>
        )}
        <h2>Answers</h2>
        <AnswersPanel data={data} />
        <footer>
          grasp-grounding {report.version}, model {report.model}. Boxes are pixels of the original image;
          times are seconds from the bag's start, as <code>replay --at</code> takes them.
        </footer>
      </>
    ),
  });
}

/** Position of an answer along the x axis. */
type Position = (row: Row, index: number) => number;

interface DataProps {
  readonly data: ReportRows;
}

function Cards({ report, data: { rows } }: DataProps & { readonly report: Report }) {
  const latencies = rows.flatMap(({ ms }) => (ms === undefined ? [] : [ms]));
  const found = rows.filter((row) => row.found).length;
  const framesPerSecond = report.frames / Math.max(1e-9, report.seconds);
  return (
    <div class="cards">
      <Card value={String(report.frames)} label="frames answered" />
      <Card value={percent(rows.length === 0 ? 0 : found / rows.length)} label="of the answers: found" />
      {latencies.length > 0 && (
        <>
          <Card value={`${median(latencies).toFixed(0)} ms`} label="latency, median" />
          <Card value={`${quantile(latencies, 0.95).toFixed(0)} ms`} label="latency, 95th percentile" />
        </>
      )}
      <Card value={`${framesPerSecond.toFixed(1)}/s`} label="frames a second" />
      <Card value={percent(report.shares.reading)} label="of the time spent reading" />
    </div>
  );
}

const notesOf = (report: Report, { rows, total }: ReportRows): readonly string[] => [
  ...report.damage,
  ...(report.interrupted ? ["the replay was interrupted; --resume goes on"] : []),
  ...(report.dropped > 0 ? [`${report.dropped} frames were dropped to keep the rate`] : []),
  ...(rows.length < total ? [`${rows.length} of ${total} answers are listed`] : []),
];

function Latencies({
  data,
  position,
  label,
}: DataProps & { readonly position: Position; readonly label: string }) {
  const points = data.rows.flatMap((row, i) =>
    row.ms === undefined ? [] : [{ x: position(row, i), y: row.ms }],
  );
  const labels = { x: label, y: "ms: median, 5th to 95th percentile" };
  return (
    <div class="panel">{points.length > 0 ? <BandPlot points={points} labels={labels} /> : "no timings"}</div>
  );
}

const Scores = ({ data: { queries, rows } }: DataProps) => (
  <div class="panel charts">
    {queries.map((query, q) => (
      <div>
        <Dot colour={colourOf(q)} />
        {query}
        <ScoreHistogram
          scores={rows.filter((row) => row.query === q && row.found).map((row) => row.score)}
          colour={colourOf(q)}
        />
      </div>
    ))}
  </div>
);

const QueryTable = ({ data, position }: DataProps & { readonly position: Position }) => (
  <div class="panel scroll">
    <table>
      <thead>
        <tr>
          <th>query</th>
          <th class="n">found</th>
          <th>along the recording</th>
          <th class="n">score, median</th>
          <th class="n">with a grasp</th>
          <th>most common reason for none</th>
        </tr>
      </thead>
      <tbody>
        {data.queries.map((query, q) => (
          <QueryLine query={query} index={q} rows={data.rows} position={position} />
        ))}
      </tbody>
    </table>
  </div>
);

interface QueryLineProps {
  readonly query: string;
  readonly index: number;
  readonly rows: readonly Row[];
  readonly position: Position;
}

function QueryLine({ query, index, rows, position }: QueryLineProps) {
  const own = rows.flatMap((row, i) => (row.query === index ? [{ row, x: position(row, i) }] : []));
  const hits = own.filter(({ row }) => row.found);
  const scores = hits.map(({ row }) => row.score);
  const grasped = hits.filter(({ row }) => row.grasps > 0).length;
  return (
    <tr>
      <td>
        <Dot colour={colourOf(index)} />
        {query}
      </td>
      <td class="n">{percent(own.length === 0 ? 0 : hits.length / own.length)}</td>
      <td style="min-width:220px">
        <Strip points={own.map(({ row, x }) => ({ x, value: row.found ? 1 : 0 }))} colour={colourOf(index)} />
      </td>
      <td class="n">{scores.length === 0 ? "–" : median(scores).toFixed(2)}</td>
      <td class="n">{hits.length === 0 ? "–" : percent(grasped / hits.length)}</td>
      <td>{mostCommon(own.flatMap(({ row }) => row.failure ?? []))}</td>
    </tr>
  );
}

function mostCommon(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

const thumbnail = ({ jpeg, time, width, height, answers, note }: Thumbnail) => (
  <Figure
    jpeg={jpeg}
    alt={`frame at ${time.toFixed(2)} s`}
    size={{ width, height }}
    highlighted={note !== undefined}
  >
    <b>{time.toFixed(2)} s</b>
    {answers.map(({ query, score }) => (
      <>
        {` · ${query} `}
        <b>{score === undefined ? "not found" : score.toFixed(2)}</b>
      </>
    ))}
    {note !== undefined && (
      <>
        <br />
        {note}
      </>
    )}
  </Figure>
);

function AnswersPanel({ data: { queries, topics, sources } }: DataProps) {
  const columns = [
    ["t", "time (s)", "n"],
    ...(sources.length > 1 ? [["r", "bag", ""]] : []),
    ...(topics.length > 1 ? [["o", "topic", ""]] : []),
    ["q", "query", ""],
    ["f", "found", ""],
    ["s", "score", "n"],
    ["x", "box (x1 y1 x2 y2)", ""],
    ["g", "grasps", ""],
    ["m", "ms", "n"],
  ] as const;
  return (
    <div class="panel">
      <div class="bar">
        <select id="q">
          <option value="-1">every query</option>
          {queries.map((query, i) => (
            <option value={i}>{query}</option>
          ))}
        </select>
        <select id="f">
          <option value="">found or not</option>
          <option value="1">found</option>
          <option value="0">not found</option>
        </select>
        <span id="n" style="align-self:center;color:var(--soft)" />
        <span style="flex:1" />
        <button type="button" id="b">
          ‹
        </button>
        <button type="button" id="a">
          ›
        </button>
      </div>
      <div class="scroll">
        <table id="t">
          <thead>
            <tr>
              {columns.map(([key, title, kind]) => (
                <th data-key={key} class={kind ?? ""}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody />
        </table>
      </div>
    </div>
  );
}

/** Rows as arrays: half the size of objects. The page's script reads them; see report/client/report.ts. */
function answersData({ rows, queries, topics, sources }: ReportRows): unknown {
  const round = (v: number, digits: number) => Number(v.toFixed(digits));
  const compact = rows.map((row) => [
    round(row.time, 3),
    row.source,
    row.topic,
    row.query,
    row.found ? 1 : 0,
    round(row.score, 3),
    row.box ?? 0,
    row.grasps,
    row.ms === undefined ? null : round(row.ms, 1),
    row.failure ?? 0,
  ]);
  return { rows: compact, queries, topics, sources };
}
