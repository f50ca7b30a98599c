import { Option } from "commander";
import { backendKinds, executionProviders, resizePlaces } from "../inference/index.js";
import { checkProviders, defaultEngineCache } from "../pipeline/index.js";
import { wholeNumber } from "../system/index.js";
import { further } from "./help.js";

/** Options of every command that runs a model: where it runs, and on what. */
export const backendFlags = (): Option[] => [...further(placeFlags()), ...providerFlags()];

const placeFlags = (): Option[] => [
  new Option(
    "--backend <kind>",
    "where the model runs: in this process, in workers (ZeroMQ), or on a server of the Open Inference Protocol",
  )
    .choices(backendKinds)
    .default("in-process"),
  new Option(
    "--endpoint <address>",
    "a worker (ipc:///path, tcp://host:port) or server (http://host:port, grpc://host:port); may be repeated",
  ).argParser((value: string, previous: readonly string[] = []) => [...previous, value]),
  new Option("--key <file>", "this side's CURVE keys, for workers on other machines"),
  new Option("--server-key <key>", "the workers' public key, or the file that holds it"),
  new Option(
    "--insecure-plain-tcp",
    "let plain TCP leave this machine: anybody on the network can read images",
  ),
  new Option("--request-timeout <ms>", "an inference request may take this long in all").argParser(
    wholeNumber(1),
  ),
  new Option(
    "--start-timeout <s>",
    "how long to wait for a first worker, or for the server (default: 30)",
  ).argParser(wholeNumber(1)),
  new Option("--heartbeat <ms>", "a worker that is silent for two of these is out of service").argParser(
    wholeNumber(50),
  ),
  new Option("--server-model <name>", "name of the model on the server, where it has another there"),
  new Option(
    "--tensor-format <kind>",
    "how tensors travel to a server: auto asks it (KServe can binary and does not say so)",
  ).choices(["auto", "binary", "json"]),
];

/** Options of commands that run a model in this process. */
export const providerFlags = (): Option[] => further(processFlags());

const processFlags = (): Option[] => [
  new Option(
    "--provider <names>",
    `execution providers in the order they are tried, with commas (${executionProviders.join(", ")}); what is not named is never taken`,
  )
    .argParser((text) => {
      checkProviders(text);
      return text;
    })
    .default("cpu"),
  new Option(
    "--require-provider <name>",
    "fail unless all of the model's work runs on this one, seen in a profiled run",
  ).choices(executionProviders),
  new Option("--threads <n>", "threads of the model").argParser(wholeNumber(1)),
  new Option("--device <n>", "number of the GPU").argParser(wholeNumber(0)),
  new Option("--gpu-memory <MiB>", "most GPU memory for each of the model's three sessions").argParser(
    wholeNumber(1),
  ),
  new Option(
    "--engine-cache <folder>",
    `where TensorRT keeps its engines (default: ${defaultEngineCache()})`,
  ),
  new Option(
    "--resize <place>",
    "where images get the model's size: in threads of this process, or in the graph, with workers theirs (auto: in the graph on CUDA)",
  ).choices(resizePlaces),
  new Option(
    "--locate",
    "run encoder and decoder as one graph for the first queries of an image; takes their memory twice",
  ),
  new Option("--fp16", "let TensorRT compute in half precision (for CUDA: --model NAME@fp16)"),
];
