import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { translator } from "../../../src/pipeline/translate.js";

describe("a translation server", () => {
  let server: Server | undefined;
  afterEach(
    () => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))),
  );

  /** A server that answers every request with one status and body, and keeps what it was sent. */
  async function serve(
    status: number,
    body: string,
  ): Promise<{ readonly url: string; readonly sent: unknown[] }> {
    const sent: unknown[] = [];
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        sent.push(JSON.parse(text));
        response.writeHead(status, { "content-type": "application/json" }).end(body);
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/translate`, sent };
  }

  it("gets the text and its language, and gives English", async () => {
    const { url, sent } = await serve(200, '{"translatedText":"the red mug"}');
    await expect(translator(url)("die rote Tasse", "de")).resolves.toBe("the red mug");
    await expect(translator(url)("kubek", "")).resolves.toBe("the red mug");
    expect(sent).toEqual([
      { q: "die rote Tasse", source: "de", target: "en", format: "text" },
      { q: "kubek", source: "auto", target: "en", format: "text" },
    ]);
  });

  it.each([
    [500, "{}", "HTTP 500"],
    [200, "{}", "no translatedText"],
    [200, "no JSON", ""],
  ])("that answers %d %s is an error of the catalogue", async (status, body, detail) => {
    const { url } = await serve(status, body);
    await expect(translator(url)("die Tasse", "de")).rejects.toMatchObject({
      code: "TRANSLATION_FAILED",
      message: expect.stringContaining(detail),
    });
  });

  it("that does not run is an error of the catalogue", async () => {
    await expect(translator("http://127.0.0.1:1/translate")("die Tasse", "de")).rejects.toMatchObject({
      code: "TRANSLATION_FAILED",
    });
  });

  it("is given up with the call", async () => {
    const { url } = await serve(200, '{"translatedText":"x"}');
    await expect(translator(url)("die Tasse", "de", AbortSignal.abort())).rejects.toMatchObject({
      code: "INFERENCE_CANCELLED",
    });
  });
});
