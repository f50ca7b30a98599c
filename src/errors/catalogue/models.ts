import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of models and where tensors are run. */
export const modelErrors = {
  MODEL_MISSING: entry({
    message: "model {name} is not installed",
    cause: "a misspelt name, or a model that was never imported",
    remedy: "`grasp-grounding models list` shows what is there",
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
  MODEL_EXISTS: entry({
    message: "model {name} exists already",
    cause: "an import under a name that is taken",
    remedy: "choose another --name, or remove {path} first",
    httpStatus: 409,
    level: "warn",
  }),
  MODEL_SELF_TEST: entry({
    message: "model {name} fails its self-test: {detail}",
    cause: "another processor or ONNX Runtime rounds a reduced precision differently",
    remedy:
      "it gives other masks here than where it was converted; import it again on this machine, or use its fp32 form",
  }),
  DOWNLOAD_FAILED: entry({
    message: "{url}: download failed ({detail})",
    cause: "no network, a proxy, or a server that is down",
    remedy:
      "run it again (it goes on where it stopped; HTTPS_PROXY is honoured), or without a network: fetch the file elsewhere and run `grasp-grounding models pull {name} --from FOLDER`",
    httpStatus: 502,
  }),
  DOWNLOAD_CORRUPT: entry({
    message: "{url}: SHA-256 is {found}, wanted {wanted}",
    cause: "a proxy that answers with its own page, or another version of the file",
    remedy:
      "this is not the published file or a damaged copy, and was not kept; fetch it again or use another --from",
    httpStatus: 502,
  }),
  IMPORT_FAILED: entry({
    message: "import failed: {detail}",
    cause: "a checkpoint of another network, or a damaged one",
    remedy: "nothing was written",
  }),
  PYTHON_MISSING: entry({
    message: "no usable Python ({detail})",
    cause: "Python is not installed, too old, or lacks venv",
    remedy:
      "install Python 3.10 or later with its venv module, or set GRASP_GROUNDING_PYTHON to an interpreter that has the packages of models/export/requirements.txt",
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
  INFERENCE_FAILED: entry({
    message: "inference failed: {detail}",
    cause: "a damaged model, too little memory, or the inference thread ended",
    remedy: "run `grasp-grounding models verify {name}`",
  }),
} as const satisfies Record<string, CatalogueEntry>;
