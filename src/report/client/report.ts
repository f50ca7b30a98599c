/** Script of a report page: enlarges images, and sorts, filters and pages the table of answers where there is one. */

/** [time, source, topic, query, found, score, box or 0, grasps, ms or null, failure or 0]; indices into the names. */
type Row = readonly [
  number,
  number,
  number,
  number,
  0 | 1,
  number,
  readonly number[] | 0,
  number,
  number | null,
  string | 0,
];

/** The page's data: a JSON script element with the id `answers`. */
interface Answers {
  readonly rows: readonly Row[];
  readonly queries: readonly string[];
  readonly topics: readonly string[];
  readonly sources: readonly string[];
}

const column = {
  time: 0,
  source: 1,
  topic: 2,
  query: 3,
  found: 4,
  score: 5,
  box: 6,
  grasps: 7,
  ms: 8,
  failure: 9,
} as const;

/** Columns of the table by the `data-key` of their heading. */
const columnOfKey: Readonly<Record<string, number>> = {
  t: column.time,
  r: column.source,
  o: column.topic,
  q: column.query,
  f: column.found,
  s: column.score,
  x: column.box,
  g: column.grasps,
  m: column.ms,
};

const rowsPerPage = 100;

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

function enlargeImages(): void {
  const dialog = document.querySelector("dialog");
  if (dialog === null) return;
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element)) return;
    const image = target.closest<HTMLImageElement>("figure img");
    if (image !== null) {
      dialog.querySelector("img")!.src = image.src;
      const caption = image.closest("figure")!.querySelector("figcaption")!;
      dialog.querySelector("p")!.replaceChildren(caption.cloneNode(true));
      dialog.showModal();
    } else if (target.closest("dialog") !== null) dialog.close();
  });
}

class AnswersTable {
  readonly #answers: Answers;
  readonly #query = byId<HTMLSelectElement>("q");
  readonly #found = byId<HTMLSelectElement>("f");
  #shown: readonly Row[];
  #first = 0;
  #key = "t";
  #descending = false;

  constructor(answers: Answers) {
    this.#answers = answers;
    this.#shown = answers.rows;
    this.#query.onchange = () => this.#filter();
    this.#found.onchange = () => this.#filter();
    byId("a").onclick = () => this.#turn(rowsPerPage);
    byId("b").onclick = () => this.#turn(-rowsPerPage);
    document.querySelector<HTMLElement>("#t thead")!.onclick = ({ target }) => {
      const key = (target as HTMLElement).dataset.key;
      if (key !== undefined) this.#sortBy(key);
    };
    this.#filter();
  }

  #sortBy(key: string): void {
    this.#descending = key === this.#key && !this.#descending;
    this.#key = key;
    this.#filter();
  }

  #turn(rows: number): void {
    if (this.#first + rows >= this.#shown.length) return;
    this.#first = Math.max(0, this.#first + rows);
    this.#show();
  }

  #filter(): void {
    const [query, found] = [Number(this.#query.value), this.#found.value];
    const shown = this.#answers.rows.filter(
      (row) =>
        (query < 0 || row[column.query] === query) && (found === "" || row[column.found] === Number(found)),
    );
    const index = columnOfKey[this.#key] ?? column.time;
    const sign = this.#descending ? -1 : 1;
    // The rows come in the order of time.
    if (this.#key !== "t" || this.#descending) shown.sort((a, b) => sign * order(a[index], b[index]));
    this.#shown = shown;
    this.#first = 0;
    this.#show();
  }

  #show(): void {
    const keys = [...document.querySelectorAll<HTMLElement>("#t th")].map(({ dataset }) => dataset.key ?? "");
    const rows = this.#shown.slice(this.#first, this.#first + rowsPerPage);
    document.querySelector("#t tbody")!.replaceChildren(...rows.map((row) => this.#line(row, keys)));
    const last = Math.min(this.#shown.length, this.#first + rowsPerPage);
    byId("n").textContent =
      this.#shown.length === 0 ? "none" : `${this.#first + 1} to ${last} of ${this.#shown.length}`;
  }

  #line(row: Row, keys: readonly string[]): HTMLTableRowElement {
    const line = document.createElement("tr");
    for (const key of keys) {
      const cell = line.insertCell();
      if ("tsm".includes(key)) cell.className = "n";
      if (key === "x") cell.className = "one";
      if (key === "f") cell.append(pill(row[column.found] === 1));
      else cell.textContent = this.#text(row, key);
    }
    return line;
  }

  #text(row: Row, key: string): string {
    const { queries, topics, sources } = this.#answers;
    const box = row[column.box];
    const ms = row[column.ms];
    switch (key) {
      case "t":
        return row[column.time].toFixed(2);
      case "q":
        return queries[row[column.query]] ?? "";
      case "o":
        return topics[row[column.topic]] ?? "";
      case "r":
        return sources[row[column.source]] ?? "";
      case "s":
        return row[column.found] === 1 ? row[column.score].toFixed(2) : "";
      case "x":
        return box === 0 ? "" : box.join(" ");
      case "g":
        return String(row[column.grasps] || row[column.failure] || "");
      default:
        return ms === null ? "" : ms.toFixed(0);
    }
  }
}

function pill(found: boolean): HTMLSpanElement {
  const span = document.createElement("span");
  span.className = `pill ${found ? "yes" : "no"}`;
  span.textContent = found ? "found" : "not found";
  return span;
}

/** Numbers, arrays and null as JavaScript compares them. */
function order(a: unknown, b: unknown): number {
  const [x, y] = [a as number, b as number];
  if (x > y) return 1;
  return x < y ? -1 : 0;
}

enlargeImages();
const data = document.getElementById("answers")?.textContent;
if (data != null) new AnswersTable(JSON.parse(data) as Answers);
