import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of models and of the back ends that run them. */
export const modelErrors = {
  MODEL_MISSING: entry({
    message: "model {name} is not installed",
    cause: "a misspelt name, or a model that was never imported",
    remedy: "run `grasp-grounding models list` to see the installed models",
  }),
  MODEL_MANIFEST: entry({
    message: "{path}: not a valid model manifest ({detail})",
    cause: "a manifest written by hand or by a later version",
    remedy: "reinstall the model",
  }),
  MODEL_CORRUPT: entry({
    message: "{path}: SHA-256 is {found} but the manifest says {wanted}",
    cause: "an interrupted copy, a failing disk, or somebody changed the file",
    remedy: "the file is damaged or was changed; reinstall the model",
  }),
  MODEL_MISMATCH: entry({
    message: "model {name}: {detail}",
    cause: "files of different exports in one folder, or no ONNX file at all",
    remedy: "the files of the model do not belong together; reinstall it",
  }),
  MODEL_FAMILY: entry({
    message: "model {name} is of the family {family}, and {wanted} is wanted here",
    cause: "a detector where a refining model belongs, or the reverse",
    remedy:
      "--model takes hifics, lite, clipseg, owlv2 and grounding-dino; --proposals owlv2 and grounding-dino; --refine sam",
  }),
  MODEL_NO_HEATMAP: entry({
    message: "model {name} finds boxes and has no heat map",
    cause: "OWLv2 and Grounding DINO score boxes, not pixels",
    remedy: "use a model that scores pixels (lite, HiFi-CS, CLIPSeg), or leave --heatmap out",
    httpStatus: 409,
    level: "warn",
  }),
  MODEL_EXISTS: entry({
    message: "model {name} exists already",
    cause: "an import under a name that is taken",
    remedy: "choose another --name, or remove {path} first",
    httpStatus: 409,
    level: "warn",
  }),
  MODEL_SELF_TEST: entry({
    message: "model {name} fails its self-test: {detail}",
    cause: "another processor or ONNX Runtime version rounds a reduced precision differently",
    remedy:
      "its masks differ from those of the machine that converted it; import it again here, or use its fp32 form",
  }),
  DOWNLOAD_FAILED: entry({
    message: "{url}: download failed ({detail})",
    cause: "no network, a proxy, or a server that is down",
    remedy:
      "run it again (it resumes; HTTPS_PROXY is honoured), or without a network: fetch the file on another machine and run `grasp-grounding models pull {name} --from FOLDER`",
    httpStatus: 502,
  }),
  DOWNLOAD_CORRUPT: entry({
    message: "{url}: SHA-256 is {found}, expected {wanted}",
    cause: "a proxy that answers with its own page, or another version of the file",
    remedy:
      "this is not the published file or a damaged copy, and was discarded; fetch it again or use another --from",
    httpStatus: 502,
  }),
  HUB_REFUSED: entry({
    message: "{repository}: {endpoint} answers {status} (gated, private, or no such repository)",
    cause: "terms that were not accepted, a missing or expired token, or a misspelt repository",
    remedy:
      "check the name; accept the terms on the repository's page; set HF_TOKEN to a token with read access",
    httpStatus: 403,
  }),
  HUB_MISSING: entry({
    message: "{endpoint} has no {repository}",
    cause: "a misspelt name, or a repository, revision or file that was renamed or removed",
    remedy: "check the name and --revision on the hub's page",
    httpStatus: 404,
  }),
  HUB_UNFIT: entry({
    message: "{repository}: {detail}",
    cause: "a repository of another architecture, or without ONNX files under the names of Transformers.js",
    remedy:
      "name a repository with ONNX files of CLIPSeg, OWLv2, Grounding DINO or SAM, or convert PyTorch weights: models import",
    httpStatus: 422,
  }),
  IMPORT_FAILED: entry({
    message: "import failed: {detail}",
    cause: "a checkpoint of another network, or a damaged one",
    remedy: "nothing was written; use the original checkpoint of a supported network",
  }),
  PYTHON_MISSING: entry({
    message: "no usable Python ({detail})",
    cause: "Python is not installed, too old, or lacks venv",
    remedy:
      "install Python 3.10 or later with its venv module, or set GRASP_GROUNDING_PYTHON to an interpreter that has the packages of the list",
  }),
  PYTHON_PACKAGES: entry({
    message: "the packages of {list} could not be installed ({detail})",
    cause: "no network or a proxy, or no wheels for this Python",
    remedy:
      "check the network and pip's settings, or set GRASP_GROUNDING_PYTHON to an interpreter that has them",
  }),
  PROVIDER_UNAVAILABLE: entry({
    message: "execution provider {provider} is not available ({detail})",
    cause: "the GPU's libraries are not installed, or this build has no such provider",
    remedy: "run `grasp-grounding doctor` to see what is missing",
  }),
  GPU_MISSING: entry({
    message: "this machine has no GPU for CUDA ({detail})",
    cause: "no NVIDIA GPU or driver, a container without access to it, or another platform",
    remedy:
      "run the model on the CPU or on a worker that has a GPU; `--without-gpu` fetches the libraries all the same",
  }),
  GPU_SETUP: entry({
    message: "the GPU libraries could not be set up ({detail})",
    cause: "no network or a proxy, Python without pip, or an index without the wheels",
    remedy:
      "run `grasp-grounding gpu setup` again (it resumes), or give it --from FOLDER with the wheels that `gpu setup --list` names",
  }),
  INFERENCE_FAILED: entry({
    message: "inference failed: {detail}",
    cause: "a damaged model, too little memory, or the inference thread ended",
    remedy: "run `grasp-grounding models verify {name}`",
  }),
  WORKERS_UNAVAILABLE: entry({
    message: "no inference worker is ready: {detail}",
    cause: "workers that are not running, another endpoint, a firewall, or keys that do not match",
    remedy:
      "start one with `grasp-grounding worker --bind ENDPOINT`, and check the endpoint, model and keys of both sides",
    httpStatus: 503,
  }),
  WORKER_LOST: entry({
    message: "the request was lost with {detail}",
    cause: "workers crashed, hung or lost their connection one after the other",
    remedy:
      "read the workers' output; a worker that runs out of memory needs another model or a memory limit",
    httpStatus: 503,
  }),
  WORKER_FAILED: entry({
    message: "the worker at {endpoint} cannot serve: {detail}",
    cause: "the endpoint is in use, its folder does not exist, or permission is missing",
    remedy: "stop the program that uses the endpoint, or choose another with --bind",
  }),
  INFERENCE_TIMEOUT: entry({
    message: "no answer from {where} within {ms} ms",
    cause: "the model is too slow for the deadline, there are too few workers, or the network is down",
    remedy: "raise --request-timeout, or add workers",
    httpStatus: 504,
    level: "stale",
  }),
  INFERENCE_BUSY: entry({
    message: "{waiting} inference requests are waiting already",
    cause: "more requests than the workers can answer",
    remedy: "send fewer requests, or add workers",
    httpStatus: 503,
    level: "warn",
  }),
  INFERENCE_CANCELLED: entry({
    message: "the request was cancelled",
    cause: "a newer image, or a client that disconnected",
    remedy: "nothing to do",
    httpStatus: 409,
    level: "warn",
  }),
  SERVER_UNAVAILABLE: entry({
    message: "inference server {url}: {detail}",
    cause: "the server is not running or does not have the model, or the address is wrong",
    remedy:
      "check it with `curl {url}/v2/health/ready`, and that it serves the folder of `models export --triton`",
    httpStatus: 502,
  }),
  ENDPOINT_INVALID: entry({
    message: "{endpoint} is not an endpoint",
    cause: "a typing mistake",
    remedy: "write ipc:///path, tcp://host:port (zmq), or http://host:port or grpc://host:port (oip)",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  ENDPOINT_INSECURE: entry({
    message:
      "{endpoint} is plain TCP beyond this machine: anybody on the network could read images and send queries",
    cause: "a network endpoint without CURVE keys",
    remedy: "give keys (docs/inference.md), or --insecure-plain-tcp if the network is your own",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  KEY_FILE: entry({
    message: "{path}: not a usable key file ({detail})",
    cause: "a truncated key, or the wrong file",
    remedy: "make keys with `grasp-grounding worker --new-key FILE`",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
} as const satisfies Record<string, CatalogueEntry>;
