/**
 * A checkpoint on disk: a folder with `weights.safetensors` (the model's state by name), `training.safetensors` (everything else) and
 * `manifest.json`, which is written last, with the size and hash of both.
 */
import { makeFolder, sweepTemporary, tryFileLock, tryWriting, writeAtomically } from "../../../core/io/atomic_write.ts";
import { files as openFiles, type OpenFile } from "../../../core/host/files.ts";
import { isFailure } from "../../../core/host/host.ts";
import { newHash } from "../../../core/host/node_streams.ts";
import { hashInSlices, pieces, toHex } from "../../../core/io/in_steps.ts";
import { readWhole } from "../../../core/io/read_file.ts";
import { decodingSafetensors, safetensorsParts } from "../../../core/io/safetensors/safetensors.ts";
import { runInSlices } from "../../../core/event_loop.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { LearnerState, RngState } from "./learner_state.ts";
import { packingState, unpackingState } from "./packed_state.ts";

/** The format that is written, and the first one, which named `rngState` `streams`. */
const [FORMAT, FIRST_FORMAT] = ["gradus-checkpoint-2", "gradus-checkpoint-1"];
const MANIFEST = "manifest.json";
const WEIGHTS = "weights.safetensors";
const TRAINING = "training.safetensors";
const LOCK = ".lock";
/** Ends the name of the folder that is to replace one: in the order of names it comes after that, and before later ones. */
const REPLACEMENT = "-again";

/** What stands for checkpoints where there are no files. */
export const IN_BROWSER = "keep model.stateDict() by encodeSafetensors()";

/** The facts about a checkpoint in its manifest. */
interface CheckpointFacts {
  /** How many epochs were done. */
  epoch: number;
  /** How many batches of the next epoch were done. */
  batch: number;
  /** How many optimiser steps were done. */
  step: number;
  /** The monitored number, larger is better; `null` where there is none. */
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

/**
 * Writes a checkpoint as `folder`. One that is there already is replaced when the new one is complete beside it, so that a kill at any
 * moment leaves one of the two whole.
 */
export async function writeCheckpoint(folder: string, state: LearnerState, score: number | null): Promise<void> {
  const replacement = folder + REPLACEMENT;
  if (!await isCheckpoint(folder)) {
    await writeInto(folder, state, score);
    return await removeIfThere(replacement);
  }
  await removeIfThere(replacement);
  await writeInto(replacement, state, score);
  await removeCheckpoint(folder);
  const { rename } = await openFiles(`write ${folder}`);
  await rename(replacement, folder);
}

/** Writes a checkpoint into `folder`, which holds no manifest; it is complete once its manifest exists. */
async function writeInto(folder: string, state: LearnerState, score: number | null): Promise<void> {
  const { model, ...rest } = state;
  const { json, tensors } = await runInSlices(packingState(rest));
  await makeFolder(folder);
  for (const name of [MANIFEST, WEIGHTS, TRAINING]) await removeFolderAt(`${folder}/${name}`);
  const files: Record<string, FileFacts> = {};
  const contents = [[WEIGHTS, safetensorsParts(model)], [TRAINING, safetensorsParts(tensors, { json })]] as const;
  for (const [name, steps] of contents) files[name] = await writePart(`${folder}/${name}`, await runInSlices(steps));
  const { epoch, batch, step } = state;
  const manifest: Manifest = { format: FORMAT, epoch, batch, step, score, files };
  const written = { ...manifest, seal: await manifestHash(manifest) };
  await writeAtomically(`${folder}/${MANIFEST}`, [new TextEncoder().encode(JSON.stringify(written, null, 2) + "\n")]);
}

/** Writes a file and returns its size and hash. Each piece is copied, so that weights that change meanwhile change both or neither. */
async function writePart(path: string, parts: readonly Uint8Array[]): Promise<FileFacts> {
  const hash = await newHash("sha256");
  let bytes = 0;
  await writeAtomically(
    path,
    function* () {
      for (const part of parts) {
        for (const piece of pieces(part)) {
          const copy = piece.slice();
          hash.update(copy);
          bytes += copy.length;
          yield copy;
        }
      }
    }(),
  );
  return { bytes, sha256: hash.digest("hex") };
}

/** Removes a folder in the place of a file, which a rename cannot replace. */
async function removeFolderAt(path: string): Promise<void> {
  const { lstat, remove } = await openFiles(`write ${path}`);
  const there = await lstat(path).catch((error) => {
    if (!isFailure(error, "NotFound")) throw error;
  });
  if (there?.isDirectory) await remove(path, { recursive: true });
}

/**
 * The state in a checkpoint, its size and hash checked.
 *
 * @throws {SyntaxError | RangeError} If a file is not what the manifest says, or the manifest is damaged.
 * @throws {Deno.errors.NotFound} If a file is missing.
 */
export async function readCheckpoint(folder: string): Promise<LearnerState> {
  const { files, format } = await readManifest(folder);
  const read = async (name: string) =>
    await runInSlices(decodingSafetensors(await readPart(folder, name, files), `${folder}/${name}`));
  const [weights, training] = [await read(WEIGHTS), await read(TRAINING)];
  const json = training.metadata.get("json");
  if (json === undefined) throw new SyntaxError(`Cannot read ${folder}/${TRAINING}: it has no state in its metadata`);
  const rest = await runInSlices(unpackingState({ json, tensors: training.tensors })) as Omit<LearnerState, "model">;
  const model = weights.tensors as Map<string, Tensor>;
  return { ...(format === FIRST_FORMAT ? fromFirstFormat(rest) : rest), model };
}

function fromFirstFormat<T extends object>(state: T & { streams?: RngState }): T & { rngState: RngState } {
  const { streams, ...others } = state;
  if (streams === undefined) throw new SyntaxError("Cannot read a checkpoint of the first format: it has no streams");
  return { ...others, rngState: streams } as T & { rngState: RngState };
}

/** The facts about the checkpoint in `folder`, without its tensors; throws as {@linkcode readCheckpoint} does. */
export async function readFacts(folder: string): Promise<CheckpointFacts> {
  return await readManifest(folder);
}

/**
 * Makes the folder of a run's checkpoints where it does not exist, tries to write in it, and locks it: closing the returned file unlocks
 * it.
 *
 * @throws {Error} With the file system's reason, the permission that is missing, or that another run writes there.
 */
export async function openFolder(folder: string): Promise<OpenFile> {
  try {
    await makeFolder(folder);
    await tryWriting(`${folder}/${MANIFEST}`);
    const lock = await tryFileLock(`${folder}/${LOCK}`);
    if (lock === null) throw new Error("another run writes its own there, wait for its end or name another folder");
    await sweepTemporary(`${folder}/${MANIFEST}`);
    return lock;
  } catch (error) {
    const reason = (error as Error).message.replace(/[:,] mkdir '.*'$/, "");
    throw new Error(`Cannot keep checkpoints in ${folder}: ${reason}`, { cause: error });
  }
}

/** Whether `folder` holds a complete checkpoint. */
export async function isCheckpoint(folder: string): Promise<boolean> {
  try {
    const { stat } = await openFiles(`read the checkpoint ${folder}`, IN_BROWSER);
    return (await stat(`${folder}/${MANIFEST}`)).isFile;
  } catch (error) {
    if (isMisplaced(error)) return false;
    throw error;
  }
}

/** Whether the error says that there is no file at a path: nothing, or something else. */
function isMisplaced(error: unknown): boolean {
  return isFailure(error, "NotFound", "NotADirectory", "FilesystemLoop");
}

/**
 * Whether an error means that a checkpoint is damaged, so that an older one is tried. Others, such as a missing permission, end the run.
 */
export function isDamage(error: unknown): error is Error {
  const damaged = error instanceof SyntaxError || error instanceof RangeError || isFailure(error, "InvalidData");
  return damaged || isMisplaced(error) || (error as { code?: string }).code === "EIO";
}

/** Removes the checkpoint in `folder`, its manifest first: what is left if the process is killed in between is not a checkpoint. */
export async function removeCheckpoint(folder: string): Promise<void> {
  const { remove } = await openFiles(`remove ${folder}`);
  if (await isCheckpoint(folder)) await remove(`${folder}/${MANIFEST}`);
  await remove(folder, { recursive: true });
}

async function removeIfThere(folder: string): Promise<void> {
  await removeCheckpoint(folder).catch((error) => {
    if (!isFailure(error, "NotFound")) throw error;
  });
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = `${folder}/${MANIFEST}`;
  const { seal: expected, ...manifest } = parse(new TextDecoder().decode(await readFile(path)), path);
  if (manifest.format !== FORMAT && manifest.format !== FIRST_FORMAT) {
    throw new SyntaxError(
      `Cannot read ${path}: its format is ${
        JSON.stringify(manifest.format)
      }, expected "${FORMAT}" or "${FIRST_FORMAT}"`,
    );
  }
  if (expected !== await manifestHash(manifest)) {
    throw new SyntaxError(
      `Cannot read ${path}: its hash, "seal", does not fit its content, it is damaged; take another checkpoint`,
    );
  }
  return manifest;
}

function parse(text: string, path: string): Manifest & { seal: unknown } {
  let manifest;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${path}: it is no JSON (${(error as Error).message}); take another checkpoint`);
  }
  const missing = [WEIGHTS, TRAINING].find((name) => typeof manifest?.files?.[name]?.bytes !== "number");
  if (missing === undefined) return manifest;
  throw new SyntaxError(`Cannot read ${path}: it does not tell how long ${missing} is; take another checkpoint`);
}

/** The bytes of a file whose size is checked first. What is not a file, such as a pipe, is refused, for it might never end. */
async function readFile(path: string, bytes?: number): Promise<Uint8Array> {
  const { stat } = await openFiles(`read ${path}`);
  const { isFile, size } = await stat(path);
  if (!isFile) throw new SyntaxError(`Cannot read ${path}: it is no file; take another checkpoint`);
  if (size === (bytes ?? size)) return await readWhole(path, size);
  throw new RangeError(`Cannot read ${path}: it ends at byte ${size}, expected ${bytes}; take another checkpoint`);
}

async function readPart(folder: string, name: string, files: Manifest["files"]): Promise<Uint8Array> {
  const path = `${folder}/${name}`;
  const { bytes, sha256: expected } = files[name];
  const content = await readFile(path, bytes);
  const found = await hashInSlices("sha256", content);
  if (found === expected) return content;
  throw new SyntaxError(
    `Cannot read ${path}: its SHA-256 is ${found}, the manifest says ${expected}; it is damaged, take another checkpoint`,
  );
}

/** A hash of the manifest's values, which the file holds as `seal`, so that a flipped digit is noticed. */
async function manifestHash(manifest: Manifest): Promise<string> {
  return await sha256(new TextEncoder().encode(JSON.stringify(manifest)));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
