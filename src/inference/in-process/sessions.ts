import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import {
  locateModel,
  type OnnxModel,
  pixelsName,
  readModel,
  withPixels,
  writeModel,
} from "../graphs/index.js";
import type { ImageInput, ModelPart } from "../port.js";
import { type SessionSettings, sessionOptions } from "./session-options.js";

/**
 * What a thread runs: the parts, encoder and decoder as one graph (`locate`), and the encoder as it is in its file
 * (`tensors`) next to one that takes pixels.
 */
export type Run = ModelPart | "locate" | "tensors";
export type Sessions = Partial<Record<Run, InferenceSession>>;

export interface OpenSettings extends SessionSettings {
  /** ONNX files by part; a model of one part has only that one. */
  readonly files: Readonly<Partial<Record<ModelPart, string>>>;
  /** The encoder's input, for an encoder that brings images to its size itself. */
  readonly pixelInput: ImageInput | undefined;
  /** Whether an encoder that cannot be given such an input is an error; else it is used as it is. */
  readonly needsPixels: boolean;
  /** Open encoder and decoder as one graph too. */
  readonly locate: boolean;
}

/** Opens a model's sessions. @param profiles folder for a profile of each @throws Error of ONNX Runtime, RangeError */
export async function openSessions(settings: OpenSettings, profiles?: string): Promise<Sessions> {
  const { files, locate } = settings;
  const options = (run: Run) => ({
    ...sessionOptions(settings),
    ...(profiles !== undefined && { enableProfiling: true, profileFilePrefix: join(profiles, run) }),
  });
  const sessions: Sessions = {};
  for (const [name, file] of Object.entries(files)) {
    const part = name as ModelPart;
    const joined = part === "encoder" ? await pixelEncoder(file, settings) : undefined;
    sessions[part] =
      joined === undefined
        ? await InferenceSession.create(file, options(part))
        : await openModel(joined, options(part));
  }
  if (locate && files.encoder !== undefined && files.decoder !== undefined) {
    const encoder = (await pixelEncoder(files.encoder, settings)) ?? readModel(await readFile(files.encoder));
    const joined = locateModel(encoder, readModel(await readFile(files.decoder)));
    sessions.locate = await openModel(joined, options("locate"));
  }
  return sessions;
}

/** The session for these feeds. An encoder that takes pixels gets a second one when tensors come, once. */
export async function sessionFor(
  sessions: Sessions,
  settings: OpenSettings,
  run: Run,
  inputs: readonly string[],
): Promise<InferenceSession> {
  const session = sessions[run];
  if (session === undefined) throw new Error(`the model has no ${run}`);
  const apart = run === "encoder" && session.inputNames.includes(pixelsName) && !inputs.includes(pixelsName);
  if (!apart) return session;
  sessions.tensors ??= await InferenceSession.create(
    settings.files.encoder as string,
    sessionOptions(settings),
  );
  return sessions.tensors;
}

async function pixelEncoder(file: string, settings: OpenSettings): Promise<OnnxModel | undefined> {
  if (settings.pixelInput === undefined) return undefined;
  try {
    return withPixels(readModel(await readFile(file)), settings.pixelInput);
  } catch (error) {
    if (settings.needsPixels || !(error instanceof RangeError)) throw error;
    return undefined;
  }
}

const openModel = (model: OnnxModel, options: InferenceSession.SessionOptions): Promise<InferenceSession> =>
  InferenceSession.create(writeModel(model), options);
