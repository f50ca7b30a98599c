import { bandPlot, escapeHtml, quantile, scoreHistogram, strip } from "../report/charts.js";
import { card, colourOf, image, inScript, page } from "../report/page.js";
import type { ReportRows, Row } from "./report-rows.js";
import type { Thumbnail } from "./thumbnails.js";

/** What the page says about the run itself. */
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
  const { rows } = data;
  const latencies = rows.flatMap(({ ms }) => (ms === undefined ? [] : [ms])).sort((a, b) => a - b);
  const found = rows.filter((row) => row.found).length;
  const cards = [
    card(String(report.frames), "frames answered"),
    card(percent(rows.length === 0 ? 0 : found / rows.length), "of the answers: found"),
    ...(latencies.length > 0
      ? [
          card(`${quantile(latencies, 0.5).toFixed(0)} ms`, "latency, median"),
          card(`${quantile(latencies, 0.95).toFixed(0)} ms`, "latency, 95th percentile"),
        ]
      : []),
    card(`${(report.frames / Math.max(1e-9, report.seconds)).toFixed(1)}/s`, "frames a second"),
    card(percent(report.shares.reading), "of the time spent reading"),
  ];
  const several = data.sources.length > 1;
  const x = (row: Row, i: number) => (several ? i : row.time);
  const xLabel = several ? "answers" : "seconds from the start";
  const timed = rows.flatMap((row, i) => (row.ms === undefined ? [] : [{ x: x(row, i), y: row.ms }]));
  const notes = [
    ...report.damage,
    ...(report.interrupted ? ["the replay was interrupted; --resume goes on"] : []),
    ...(report.dropped > 0 ? [`${report.dropped} frames were dropped to keep the rate`] : []),
    ...(rows.length < data.total ? [`${rows.length} of ${data.total} answers are listed`] : []),
  ];
  const body = [
    `<div class="cards">${cards.join("")}</div>`,
    ...notes.map((note) => `<div class="note">${escapeHtml(note)}</div>`),
    "<h2>Sentences</h2>",
    queryTable(data, x),
    '<h2>Latency and scores</h2><div class="two">',
    `<div class="panel">${timed.length > 0 ? bandPlot(timed, { x: xLabel, y: "ms: median, 5th to 95th percentile" }) : "no timings"}</div>`,
    `<div class="panel charts">${data.queries
      .map((query, q) => {
        const scores = rows.filter((row) => row.query === q && row.found).map((row) => row.score);
        return `<div><span class="dot" style="background:${colourOf(q)}"></span>${escapeHtml(query)}${scoreHistogram(scores, colourOf(q))}</div>`;
      })
      .join("")}</div></div>`,
    images.length === 0 ? "" : `<h2>Images</h2><div class="gallery">${images.map(figure).join("")}</div>`,
    "<h2>Answers</h2>",
    answersPanel(data),
    `<footer>grasp-grounding ${escapeHtml(report.version)}, model ${escapeHtml(report.model)}. Boxes are pixels of the original image; times are seconds from the bag's start, as <code>replay --at</code> takes them.</footer>`,
  ];
  const sub = `${escapeHtml(data.topics.join(", "))} · model ${escapeHtml(report.model)} · ${report.seconds.toFixed(1)} s of work`;
  return page({ title: report.title, sub, body: body.join("\n"), script: tableScript(data) });
}

function queryTable({ queries, rows }: ReportRows, x: (row: Row, i: number) => number): string {
  const lines = queries.map((query, q) => {
    const own = rows.flatMap((row, i) => (row.query === q ? [{ row, x: x(row, i) }] : []));
    const hits = own.filter(({ row }) => row.found);
    const scores = hits.map(({ row }) => row.score).sort((a, b) => a - b);
    const grasped = hits.filter(({ row }) => row.grasps > 0).length;
    const why = mostCommon(own.flatMap(({ row }) => row.failure ?? []));
    return `<tr><td><span class="dot" style="background:${colourOf(q)}"></span>${escapeHtml(query)}</td>
<td class="n">${percent(own.length === 0 ? 0 : hits.length / own.length)}</td><td style="min-width:220px">${strip(
      own.map(({ row, x }) => ({ x, value: row.found ? 1 : 0 })),
      colourOf(q),
    )}</td>
<td class="n">${scores.length === 0 ? "–" : quantile(scores, 0.5).toFixed(2)}</td>
<td class="n">${hits.length === 0 ? "–" : percent(grasped / hits.length)}</td><td>${escapeHtml(why ?? "")}</td></tr>`;
  });
  return `<div class="panel scroll"><table><thead><tr><th>query</th><th class="n">found</th><th>along the recording</th><th class="n">score, median</th><th class="n">with a grasp</th><th>without one mostly because</th></tr></thead><tbody>${lines.join("")}</tbody></table></div>`;
}

function mostCommon(texts: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function figure(one: Thumbnail): string {
  const answers = one.answers
    .map(
      ({ query, score }) =>
        `${escapeHtml(query)} <b>${score === undefined ? "not found" : score.toFixed(2)}</b>`,
    )
    .join(" · ");
  const note = one.note === undefined ? "" : `<br>${escapeHtml(one.note)}`;
  return `<figure${one.note === undefined ? "" : ' class="moment"'}><img width="${one.width}" height="${one.height}" alt="${escapeHtml(`frame at ${one.time.toFixed(2)} s`)}" src="${image(one.jpeg)}"><figcaption><b>${one.time.toFixed(2)} s</b> · ${answers}${note}</figcaption></figure>`;
}

const answersPanel = ({
  queries,
  topics,
  sources,
}: ReportRows): string => `<div class="panel"><div class="bar">
<select id="q"><option value="-1">every query</option>${queries.map((query, i) => `<option value="${i}">${escapeHtml(query)}</option>`).join("")}</select>
<select id="f"><option value="">found or not</option><option value="1">found</option><option value="0">not found</option></select>
<span id="n" style="align-self:center;color:var(--soft)"></span><span style="flex:1"></span><button id="b">‹</button><button id="a">›</button></div>
<div class="scroll"><table id="t"><thead><tr>${[
  ["t", "time (s)", "n"],
  ...(sources.length > 1 ? [["r", "bag", ""]] : []),
  ...(topics.length > 1 ? [["o", "topic", ""]] : []),
  ["q", "query", ""],
  ["f", "found", ""],
  ["s", "score", "n"],
  ["x", "box (x1 y1 x2 y2)", ""],
  ["g", "grasps", ""],
  ["m", "ms", "n"],
]
  .map(([key, title, kind]) => `<th data-key="${key}" class="${kind}">${title}</th>`)
  .join("")}</tr></thead><tbody></tbody></table></div></div>`;

/** Rows as arrays: half the size of objects. */
function tableScript({ rows, queries, topics, sources }: ReportRows): string {
  const round = (v: number, digits: number) => Number(v.toFixed(digits));
  const data = rows.map((r) => [
    round(r.time, 3),
    r.source,
    r.topic,
    r.query,
    r.found ? 1 : 0,
    round(r.score, 3),
    r.box ?? 0,
    r.grasps,
    r.ms === undefined ? null : round(r.ms, 1),
    r.failure ?? 0,
  ]);
  return `
const rows=${inScript(data)},names={q:${inScript(queries)},o:${inScript(topics)},r:${inScript(sources)}};
const at={t:0,r:1,o:2,q:3,f:4,s:5,x:6,g:7,m:8},size=100;let view=rows,from=0,key="t",down=false;
const $=id=>document.getElementById(id),cell=(r,k)=>{const v=r[at[k]];
return k==="t"?v.toFixed(2):k==="f"?(v?"yes":"no"):k==="s"?(r[4]?v.toFixed(2):""):k==="x"?(v?v.join(" "):""):k==="g"?(v||r[9]||""):k==="m"?(v===null?"":v.toFixed(0)):names[k]?names[k][v]:v};
function show(){const keys=[...document.querySelectorAll("#t th")].map(h=>h.dataset.key),body=document.querySelector("#t tbody");body.textContent="";
for(const r of view.slice(from,from+size)){const tr=body.insertRow();for(const k of keys){const td=tr.insertCell();td.textContent=cell(r,k);
if("tsm".includes(k))td.className="n";if(k==="x")td.className="one";if(k==="f")td.innerHTML='<span class="pill '+(r[4]?"yes":"no")+'">'+(r[4]?"found":"not found")+"</span>"}}
$("n").textContent=view.length?(from+1)+" to "+Math.min(view.length,from+size)+" of "+view.length:"none"}
function filter(){const q=+$("q").value,f=$("f").value;view=rows.filter(r=>(q<0||r[3]===q)&&(f===""||r[4]===+f));
if(key!=="t"||down){const i=at[key];view.sort((a,b)=>((a[i]>b[i])-(a[i]<b[i]))*(down?-1:1))}from=0;show()}
$("q").onchange=$("f").onchange=filter;$("a").onclick=()=>{if(from+size<view.length){from+=size;show()}};$("b").onclick=()=>{from=Math.max(0,from-size);show()};
document.querySelector("#t thead").onclick=e=>{const k=e.target.dataset.key;if(k){down=key===k&&!down;key=k;filter()}};filter();
`;
}
