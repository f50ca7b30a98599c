/**
 * Progress on one line of stderr: a bar drawn over itself on a terminal; otherwise a line for every tenth of the work,
 * at most one a second, and one for its end.
 */
export class Progress {
  readonly #label: string;
  readonly #started = performance.now();
  #lastDrawn = Number.NEGATIVE_INFINITY;
  #lastTenth = -1;

  constructor(label: string) {
    this.#label = label;
  }

  update(done: number, total: number | undefined): void {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = done / Math.max(seconds, 1e-3);
    if (process.stderr.isTTY) {
      if (performance.now() - this.#lastDrawn < 100 && done !== total) return;
      this.#lastDrawn = performance.now();
      process.stderr.write(`\r\x1b[K${progressText(this.#label, done, total, rate)}`);
    } else if (total !== undefined && Math.floor((done / total) * 10) > this.#lastTenth) {
      if (performance.now() - this.#lastDrawn < 1000 && done < total) return;
      this.#lastDrawn = performance.now();
      this.#lastTenth = Math.floor((done / total) * 10);
      process.stderr.write(`${progressText(this.#label, done, total, rate)}\n`);
    }
  }

  done(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}

const barWidth = 24;

/** `demo.mcap ████████░░░░  42 % 126/300, 12.3/s, 0:14 left`; without a total only the count and the rate. */
export function progressText(label: string, done: number, total: number | undefined, rate: number): string {
  if (total === undefined) return `${label} ${done}, ${rate.toFixed(1)}/s`;
  const share = Math.min(1, done / Math.max(1, total));
  const full = Math.round(share * barWidth);
  const bar = "█".repeat(full) + "░".repeat(barWidth - full);
  const left = rate > 0 ? `, ${clock(Math.max(0, total - done) / rate)} left` : "";
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${label} ${bar} ${percent} ${done}/${total}, ${rate.toFixed(1)}/s${left}`;
}

function clock(seconds: number): string {
  const all = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
