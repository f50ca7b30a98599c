import type { ParameterGroup } from "./spec.js";

/** The model, and where it runs. */
export const modelParameters = {
  model: {
    type: "string",
    default: "lite",
    readOnly: true,
    description: "Name of an installed model, or the path of a model folder.",
  },
  proposals: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Source of objects among which the heat map chooses: clusters (of the depth image), an installed detector (OWLv2, Grounding DINO), or the folder of an exported one; empty takes the model's own.",
  },
  refine: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Name or folder of a SAM model that draws the masks anew; empty takes the masks as they are.",
  },
  backend: {
    type: "string",
    default: "in-process",
    options: ["in-process", "zmq", "oip"],
    readOnly: true,
    description:
      "Where the model runs: in this process, in workers over ZeroMQ, or on a server of the Open Inference Protocol.",
  },
  endpoints: {
    type: "string",
    default: "",
    readOnly: true,
    description:
      "Addresses of the workers (ipc:///path, tcp://host:port) or servers (http://host:port, grpc://host:port), with commas.",
  },
  key_file: {
    type: "string",
    default: "",
    readOnly: true,
    description: "File with this node's CURVE keys, for workers on other machines.",
  },
  server_key: {
    type: "string",
    default: "",
    readOnly: true,
    description: "The workers' public key, or the file that holds it.",
  },
  insecure_plain_tcp: {
    type: "boolean",
    default: false,
    readOnly: true,
    description: "Let plain TCP leave this machine: anybody on the network can read the images.",
  },
  request_timeout: {
    type: "double",
    default: 10,
    range: [0.01, 3600],
    readOnly: true,
    description: "Seconds an inference request to a worker or server may take in all.",
  },
  provider: {
    type: "string",
    default: "cpu",
    readOnly: true,
    description:
      "Execution providers in the order they are tried, with commas, of cpu, cuda, tensorrt and webgpu; others are never taken.",
  },
  require_provider: {
    type: "string",
    default: "",
    options: ["", "cpu", "cuda", "tensorrt", "webgpu"],
    readOnly: true,
    description:
      "Fail unless all of the model's work runs on this provider, seen in a profiled run at the start.",
  },
  device: {
    type: "integer",
    default: 0,
    range: [0, 63],
    readOnly: true,
    description: "Number of the GPU.",
  },
  gpu_memory: {
    type: "integer",
    default: 0,
    range: [0, 1048576],
    readOnly: true,
    description: "Most MiB of GPU memory for each of the model's three sessions; 0 for no limit.",
  },
  resize: {
    type: "string",
    default: "auto",
    options: ["auto", "threads", "graph"],
    readOnly: true,
    description:
      "Where images get the model's size: in threads of this process, or in the graph, with workers theirs; auto takes the graph on CUDA.",
  },
  locate: {
    type: "boolean",
    default: false,
    readOnly: true,
    description:
      "Run encoder and decoder as one graph for the first queries of an image; takes their memory twice. In this process only.",
  },
  fp16: {
    type: "boolean",
    default: false,
    readOnly: true,
    description: "Let TensorRT compute in half precision; for CUDA name the model's form NAME@fp16.",
  },
  threads: {
    type: "integer",
    default: 0,
    range: [0, 256],
    readOnly: true,
    description: "Threads of the model; 0 takes as many as the machine gives, at most 8.",
  },
  threshold: {
    type: "double",
    default: 0,
    range: [0, 1],
    readOnly: true,
    description: "Object probability from which a pixel counts as the object; 0 takes the model's own.",
  },
} as const satisfies ParameterGroup;
