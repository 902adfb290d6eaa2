/**
 * A checkpoint on disk: a folder with `weights.safetensors` (the model's state under its own names), `training.safetensors`
 * (everything else) and `manifest.json`, which is written last and says what belongs together.
 */
import { tryWriting, writeAtomically } from "../../core/io/atomic_write.ts";
import { decodeSafetensors, encodeSafetensors } from "../../core/io/safetensors.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { LearnerState } from "./learner_state.ts";
import { packState, unpackState } from "./packed_state.ts";

const FORMAT = "gradus-checkpoint-1";
const MANIFEST = "manifest.json";
const WEIGHTS = "weights.safetensors";
const TRAINING = "training.safetensors";

/** What the manifest says of a checkpoint. */
export interface CheckpointFacts {
  /** Epochs behind it. */
  epoch: number;
  /** Batches of the epoch under way behind it. */
  batch: number;
  /** Steps behind it. */
  step: number;
  /** How good it was by what is watched, `null` where that is not known. */
  score: number | null;
}

interface FileFacts {
  bytes: number;
  sha256: string;
}

interface Manifest extends CheckpointFacts {
  format: string;
  files: Record<string, FileFacts>;
}

/** Writes a checkpoint into `folder`; it counts as one from the moment its manifest is there. */
export async function writeCheckpoint(folder: string, state: LearnerState, score: number | null): Promise<void> {
  const { model, ...rest } = state;
  const { json, tensors } = packState(rest);
  await Deno.mkdir(folder, { recursive: true });
  const files: Record<string, FileFacts> = {};
  for (
    const [name, bytes] of [[WEIGHTS, encodeSafetensors(model)], [
      TRAINING,
      encodeSafetensors(tensors, { json }),
    ]] as const
  ) {
    await writeAtomically(`${folder}/${name}`, [bytes]);
    files[name] = { bytes: bytes.length, sha256: await sha256(bytes) };
  }
  const { epoch, batch, step } = state;
  const manifest: Manifest = { format: FORMAT, epoch, batch, step, score, files };
  const sealed = { ...manifest, seal: await seal(manifest) };
  await writeAtomically(`${folder}/${MANIFEST}`, [new TextEncoder().encode(JSON.stringify(sealed, null, 2) + "\n")]);
}

/**
 * The state in a checkpoint, every byte checked.
 *
 * @throws {SyntaxError | RangeError} If a file is not what the manifest says, or the manifest is damaged.
 * @throws {Deno.errors.NotFound} If a file is missing.
 */
export async function readCheckpoint(folder: string): Promise<LearnerState> {
  const { files } = await readManifest(folder);
  const weights = decodeSafetensors(await readFile(folder, WEIGHTS, files), `${folder}/${WEIGHTS}`);
  const training = decodeSafetensors(await readFile(folder, TRAINING, files), `${folder}/${TRAINING}`);
  const json = training.metadata.get("json");
  if (json === undefined) throw new SyntaxError(`Cannot read ${folder}/${TRAINING}: it has no state in its metadata`);
  const rest = unpackState({ json, tensors: training.tensors }) as Omit<LearnerState, "model">;
  return { ...rest, model: weights.tensors as Map<string, Tensor> };
}

/** What is known of the checkpoint in `folder`, without its tensors; throws as {@linkcode readCheckpoint} does. */
export async function readFacts(folder: string): Promise<CheckpointFacts> {
  return await readManifest(folder);
}

/**
 * Makes the folder of a run's checkpoints where it is not there, and tries to write in it.
 *
 * @throws {Error} With the file system's reason, or the permission that is missing.
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await tryWriting(`${folder}/${MANIFEST}`);
  } catch (error) {
    const reason = (error as Error).message.replace(/: mkdir '.*'$/, "");
    throw new Error(`Cannot keep checkpoints in ${folder}: ${reason}`, { cause: error });
  }
}

/** Whether `folder` holds a checkpoint that was written to its end. */
export async function isCheckpoint(folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(`${folder}/${MANIFEST}`)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Removes the checkpoint in `folder`, its manifest first: what a kill leaves in between is none. */
export async function removeCheckpoint(folder: string): Promise<void> {
  if (await isCheckpoint(folder)) await Deno.remove(`${folder}/${MANIFEST}`);
  await Deno.remove(folder, { recursive: true });
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = `${folder}/${MANIFEST}`;
  const { seal: expected, ...manifest } = parse(await Deno.readTextFile(path), path);
  if (manifest.format !== FORMAT) {
    throw new SyntaxError(
      `Cannot read ${path}: its format is ${JSON.stringify(manifest.format)}, expected "${FORMAT}"`,
    );
  }
  if (expected !== await seal(manifest)) {
    throw new SyntaxError(
      `Cannot read ${path}: its seal does not fit its content, it is damaged; take another checkpoint`,
    );
  }
  return manifest;
}

function parse(text: string, path: string): Manifest & { seal: unknown } {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path}: it is no JSON (${(error as Error).message}); take another checkpoint`);
  }
}

async function readFile(folder: string, name: string, files: Manifest["files"]): Promise<Uint8Array> {
  const path = `${folder}/${name}`;
  const { bytes, sha256: expected } = files[name];
  const content = await Deno.readFile(path);
  if (content.length !== bytes) {
    throw new RangeError(
      `Cannot read ${path}: it ends at byte ${content.length}, expected ${bytes}; take another checkpoint`,
    );
  }
  const found = await sha256(content);
  if (found === expected) return content;
  throw new SyntaxError(
    `Cannot read ${path}: its SHA-256 is ${found}, the manifest says ${expected}; it is damaged, take another checkpoint`,
  );
}

/** A hash of the manifest's values, so that no flipped digit passes for another step. */
async function seal(manifest: Manifest): Promise<string> {
  return await sha256(new TextEncoder().encode(JSON.stringify(manifest)));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return new Uint8Array(hash).toHex();
}
