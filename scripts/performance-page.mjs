// Writes docs/performance.md from the figures under docs/results: node scripts/performance-page.mjs; --print writes it to the standard output.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const docs = join(dirname(fileURLToPath(import.meta.url)), "..", "docs");
const results = join(docs, "results");
/** Results of quality, not of speed: other pages have them. */
const elsewhere = new Set([
  "ablation-lite.json",
  "coverage.json",
  "eval-fixture.json",
  "gpu.json",
  "grasp-physics.json",
  "realscenes-lite.json",
  "rehearsal.json",
  "rehearsal-debian.json",
  "soak.json",
]);
const read = (name) => JSON.parse(readFileSync(join(results, name), "utf8"));
const number = (value) => (typeof value === "number" ? String(value) : "");

/** The key of a figure in its result file, as code: `ground/ours_ms`. */
const rowName = (path) => `\`${path.join("/")}\``;

/** Rows of every spread (p50, p99) and every plain ratio in a result, by their path. */
function rows(value, path = []) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
  const name = rowName(path);
  if (typeof value.p50 === "number" && path.length > 0) {
    return [`| ${name} | ${number(value.p50)} | ${number(value.p99)} | ${number(value.n)} |`];
  }
  return Object.entries(value).flatMap(([key, part]) => {
    const inner = [...path, key];
    if (typeof part === "number" && /ratio|per_second|peak|growth|resident/.test(key)) {
      return [`| ${rowName(inner)} | ${part} | | |`];
    }
    return rows(part, inner);
  });
}

function section(name) {
  const result = read(name);
  const { command, machine, ...figures } = result;
  if (name === "model-lite.json") {
    const list = Object.entries(result.milliseconds).map(([k, v]) => `| ${rowName([k])} (ms) | ${v} | | |`);
    return page(name, "python models/training/evaluate.py (timed at its end)", machine, list);
  }
  return page(name, command, machine, rows(figures));
}

function page(name, command, machine, list) {
  if (list.length === 0) return "";
  const cpu = machine?.cpu ?? machine?.model;
  const version = machine?.node === undefined ? "" : `, Node ${machine.node}`;
  const on = cpu === undefined ? "" : `On ${machine.cores} cores of ${cpu}${version}. `;
  return `## ${name.replace(".json", "")}

${on}Command: \`${command ?? "see the file"}\`. All figures: [results/${name}](results/${name}).

| figure | median or value | p99 | n |
| --- | --- | --- | --- |
${list.join("\n")}
`;
}

function gpu() {
  const { device, pytorch, ours, verdict, note, findings, goals, command } = read("gpu.json");
  const row = (label, part, keys) => `| ${label} | ${keys.map((key) => cell(part?.[key])).join(" | ")} |`;
  const cell = (spread) => (spread?.p50 === undefined ? "" : `${spread.p50} (${spread.p99})`);
  const engines = Object.entries(ours).map(([name, run]) =>
    run.error === undefined
      ? `| ${name} | ${cell(run.frame_to_boxes)}, least ${run.frame_to_boxes.min} | ${cell(run.known_sentence_same_frame)} | ${cell(run.new_sentence_same_frame)} | ${cell(run.eight_new_sentences_new_frame)} | ${run.gpu_memory_mib} |`
      : `| ${name} | not measured: ${run.error.split("\n").at(-1)} | | | | |`,
  );
  const steps = Object.entries(ours).flatMap(([name, { frame_to_boxes: run }]) =>
    Object.entries(run?.parts_p50 ?? {}).map(([step, ms]) => `| ${name} | ${step} | ${ms} |`),
  );
  const streams = Object.entries(ours).flatMap(([name, run]) =>
    Object.entries(run.streams ?? {}).map(
      ([n, load]) =>
        `| ${name} | ${n} | ${load.images_per_second} | ${cell(load.latency_ms)} | ${load.wait_p50_ms} |`,
    ),
  );
  const masks = Object.entries(ours).flatMap(([name, { masks_against_cpu_fp32: same }]) =>
    same?.same_pixels === undefined
      ? []
      : [
          `${name}: ${same.same_pixels} of mask pixels are the CPU's in fp32 (worst of ${same.masks} masks: ${same.worst_mask}).`,
        ],
  );
  const remarks = Object.entries(ours).flatMap(([name, run]) =>
    run.note && run.error === undefined ? [`${name}: ${run.note}`] : [],
  );
  const shares = Object.entries(verdict).map(
    ([name, figures]) =>
      `${name}:\n\n${Object.entries(figures)
        .map(([key, value]) => `- \`${key}\`: ${value}`)
        .join("\n")}`,
  );
  return `## On a GPU

${device.name}, driver ${device.driver}, torch ${pytorch.torch}. HiFi-CS over CLIP ViT-B/16 at 352 px with random weights.
Command: \`${command}\`. All figures: [results/gpu.json](results/gpu.json).

Goals: ${goals}.

${note ?? ""}

Milliseconds, median (p99), in PyTorch. Images are in the card's memory and logits stay there:

| | frame and one query | frame and eight queries | 16 frames, one query each |
| --- | --- | --- | --- |
${row("eager, as the authors run it, fp32", pytorch.eager_as_published, ["one", "eight_queries", "sixteen_frames"])}
${row("the same with tf32", pytorch.eager_as_published_tf32, ["one", "eight_queries", "sixteen_frames"])}
${row("the same, torch.compile", pytorch.compiled_as_published_tf32, ["one", "eight_queries", "sixteen_frames"])}
${row("the computation of our ONNX parts, fp16, CUDA graph", pytorch.cuda_graph_fp16, ["one", "eight_new_sentences_new_frame", "sixteen_frames"])}

On an encoded frame, the last row's method takes ${cell(pytorch.cuda_graph_fp16.new_sentence_same_frame)} for a new query and
${cell(pytorch.cuda_graph_fp16.known_sentence_same_frame)} for a known one. It is a stand-in, not this software. It shows the limit for a runtime
that computes each part as the ONNX files have it, without resizing, copies or boxes.

This software, a client in Node.js and a worker on the same machine, 1280×720 image in memory to boxes:

| worker and arithmetic | frame to boxes | known query, same frame | new query, same frame | new frame, eight queries | GPU memory, MiB |
| --- | --- | --- | --- | --- | --- |
${engines.join("\n")}

Steps of the first column, medians ([their names](inference.md#where-the-time-goes)):

| worker | step | ms |
| --- | --- | --- |
${steps.join("\n")}

Streams, each in turn waiting for its answer, over up to eight client processes:

| worker | streams | images a second | latency | wait in the worker |
| --- | --- | --- | --- | --- |
${streams.join("\n")}

${masks.join("\n\n")}

${findings ?? ""}

Not measured on a GPU: onnxruntime-node and \`python-gpu\` with images resized in the graph, and encoder and decoder as one graph ([inference.md](inference.md#images-in-the-graph)).

${remarks.join("\n\n")}

Work: ${pytorch.gflop.encode_frame} GFLOP to encode a frame, ${pytorch.gflop.encode_sentence} a query, ${pytorch.gflop.decode} to decode. The card's own large matrix product ran at ${pytorch.ceilings.fp16_matmul_tflops} TFLOP/s in fp16.

${shares.join("\n\n")}
`;
}

const names = readdirSync(results).filter((name) => name.endsWith(".json") && !elsewhere.has(name));
const text = `# Performance

Generated by \`npm run docs\` from docs/results. Figures are milliseconds unless a row names another unit. The figures of one
section come from one run. Different sections come from different runs and machines.

${[gpu(), ...names.sort().map(section)].filter((part) => part !== "").join("\n")}`;
if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(join(docs, "performance.md"), text);
