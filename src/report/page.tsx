import { readFileSync } from "node:fs";
import type { ComponentChildren } from "preact";
import { renderToString } from "preact-render-to-string";
import { palette } from "../visualization/index.js";
import { compiledModule } from "../workers/index.js";
import { style } from "./style.js";

export const colourOf = (index: number): string => `rgb(${palette[index % palette.length]!.join(" ")})`;

export interface PageOptions {
  readonly title: string;
  /** Line below the title. */
  readonly subtitle: string;
  readonly children: ComponentChildren;
  /** Data of the answers table for the page's script; see client/report.ts. */
  readonly answers?: unknown;
}

const policy = [
  "default-src 'none'",
  "img-src data:",
  "style-src 'unsafe-inline'",
  "script-src 'unsafe-inline'",
].join("; ");

/**
 * A page in one HTML file that opens without a network: style, images and scripts are in it, and it requests nothing.
 */
export function renderPage({ title, subtitle, children, answers }: PageOptions): string {
  const html = renderToString(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <title>{title}</title>
        <style dangerouslySetInnerHTML={{ __html: style }} />
      </head>
      <body>
        <main>
          <h1>{title}</h1>
          <p class="sub">{subtitle}</p>
          {children}
        </main>
        <dialog>
          <img alt="" />
          <p />
        </dialog>
        {answers !== undefined && (
          <script
            id="answers"
            type="application/json"
            dangerouslySetInnerHTML={{ __html: inScript(answers) }}
          />
        )}
        <script dangerouslySetInnerHTML={{ __html: clientScript() }} />
      </body>
    </html>,
  );
  return `<!doctype html>\n${html}\n`;
}

/** The compiled client/report.ts, in a block: its names stay out of the page's. */
const clientScript = (): string =>
  `{${readFileSync(compiledModule(import.meta.url, "./client/report.js"), "utf8")}}`;

/** JSON that may stand within a script element. */
const inScript = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** A figure in large type above its label. */
export const Card = ({ value, label }: { readonly value: string; readonly label: string }) => (
  <div class="card">
    <b>{value}</b>
    <span>{label}</span>
  </div>
);

/** The square of a query's colour. */
export const Dot = ({ colour }: { readonly colour: string }) => (
  <span class="dot" style={{ background: colour }} />
);

export interface FigureProps {
  readonly jpeg: Uint8Array;
  readonly alt: string;
  readonly children: ComponentChildren;
  readonly size?: { readonly width: number; readonly height: number };
  /** Draws a border around a figure that deserves attention. */
  readonly highlighted?: boolean;
}

/** An image with a caption; a click enlarges it. */
export const Figure = ({ jpeg, alt, children, size, highlighted = false }: FigureProps) => (
  <figure {...(highlighted && { class: "moment" })}>
    <img {...size} alt={alt} src={`data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`} />
    <figcaption>{children}</figcaption>
  </figure>
);

export const Notes = ({ texts }: { readonly texts: readonly string[] }) => (
  <>
    {texts.map((text) => (
      <div class="note">{text}</div>
    ))}
  </>
);
