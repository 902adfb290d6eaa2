/**
 * `serve`: answers records with what `tabular` learned, on this machine alone.
 *
 *     serve [--model MODEL] [--port N]
 *     curl -H 'content-type: application/json' -d '{"area": 50, "city": "Wien"}' http://127.0.0.1:8000/predict
 */
import { isFailure } from "../core/host/host.ts";
import { serveHere } from "../core/host/program.ts";
import { cat, type Tensor } from "../mod.ts";
import type { TableAnswer, TableRecord } from "../datasets/data.ts";
import { runCommand, type Values } from "./command_line.ts";
import { noteMissing, readingVariables } from "./permissions.ts";
import { loadModel, outputsOf, type TabularFile } from "./tabular_model.ts";

const options = {
  model: { value: "FILE", default: "tabular.safetensors", help: "the model file that tabular wrote" },
  port: {
    ...{ value: "N", least: 0, most: 65_535, default: 8000 },
    help: "where it is served, at 127.0.0.1; 0 for any that is free",
  },
  "max-bytes": { value: "N", least: 1, default: 1_000_000, help: "the longest body of a request" },
  "max-seconds": { value: "N", least: 1, default: 10, help: "how long a body may take to come" },
} as const;

/** What a request may take. */
export interface Limits {
  readonly bytes: number;
  readonly seconds: number;
}

/** The most records of a request. */
const MOST_RECORDS = 10_000;

/** A request that is answered with this status. */
class Refusal extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** A function that answers requests by a model. */
export function handlerOf(trained: TabularFile, limits: Limits): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      return await answer(trained, limits, request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return Response.json({ error: error.message }, { status: error.status });
    }
  };
}

async function answer(trained: TabularFile, limits: Limits, request: Request): Promise<Response> {
  const path = new URL(request.url).pathname;
  if (path === "/schema") {
    requireMethod(request, "GET");
    return Response.json(trained.schema);
  }
  if (path !== "/predict") throw new Refusal(404, "there is POST /predict and GET /schema");
  requireMethod(request, "POST");
  // A page of another site can send a form or plain text here, but nothing that calls itself JSON.
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? "")) {
    throw new Refusal(415, "send application/json");
  }
  return predictionOf(trained, recordsIn(await bodyOf(request, limits)));
}

function requireMethod({ method, url }: Request, expected: string): void {
  if (method !== expected) throw new Refusal(405, `${new URL(url).pathname} takes ${expected}`);
}

/** The text of a request's body, which may be neither longer nor slower than the limits. */
async function bodyOf(request: Request, { bytes, seconds }: Limits): Promise<string> {
  const tooLong = new Refusal(413, `send no more than ${bytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > bytes) throw tooLong;
  const reader = request.body?.getReader();
  if (reader === undefined) throw new Refusal(400, "send a record, or an array of them");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(408, `send the body within ${seconds} s`)), 1000 * seconds);
  });
  try {
    return await Promise.race([late, textOf(reader, bytes, tooLong)]);
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error instanceof Refusal ? error : new Refusal(400, "send the body whole, in UTF-8");
  } finally {
    clearTimeout(timer);
  }
}

async function textOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  most: number,
  tooLong: Refusal,
): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "", length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    if ((length += value.length) > most) throw tooLong;
    text += decoder.decode(value, { stream: true });
  }
}

/** The records in a body, and whether it is an array of them. */
function recordsIn(text: string): { records: unknown[]; isArray: boolean } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Refusal(400, "send JSON: a record such as { … }, or an array of them");
  }
  const isArray = Array.isArray(json), records: unknown[] = isArray ? json as unknown[] : [json];
  if (records.length > MOST_RECORDS) throw new Refusal(413, `send no more than ${MOST_RECORDS} records`);
  return { records, isArray };
}

/** An answer for each record, or what is wrong with it; the status says whether any is. */
function predictionOf(
  { schema, model }: TabularFile,
  { records, isArray }: { records: unknown[]; isArray: boolean },
): Response {
  const rows = records.map((record): Tensor | { error: string } => {
    try {
      return schema.encode(record as TableRecord);
    } catch (error) {
      return { error: (error as Error).message };
    }
  });
  const good = rows.filter((row): row is Tensor => !("error" in row));
  const answers = good.length === 0 ? [] : schema.toAnswers(outputsOf(model, cat(good)));
  let next = 0;
  const all = rows.map((row) => "error" in row ? row : toJson(answers[next++], schema.target!));
  return Response.json(isArray ? all : all[0], { status: good.length < rows.length ? 422 : 200 });
}

function toJson({ value, probabilities }: TableAnswer, target: NonNullable<TabularFile["schema"]["target"]>) {
  if (probabilities === undefined || target.kind === "numeric") return { prediction: value };
  const named = Object.fromEntries(target.categories.map((word, i) => [word, probabilities[i]]));
  return { prediction: value, probabilities: named };
}

async function main(settings: Values<typeof options>): Promise<void> {
  const { model, port } = settings;
  const trained = await loadModel(model);
  if (trained.schema.target === null) throw new RangeError(`Cannot serve ${model}: its schema has no target`);
  noteMissing([readingVariables("GRADUS_BACKEND")]);
  const handler = handlerOf(trained, { bytes: settings["max-bytes"], seconds: settings["max-seconds"] });
  const onListen = (port: number) => {
    console.log(`POST http://127.0.0.1:${port}/predict, GET http://127.0.0.1:${port}/schema (Ctrl-C ends it)`);
    console.log(
      "It is for this machine alone. Others reach it through a proxy that knows them: it asks nobody who they are.",
    );
  };
  try {
    await serveHere(port, onListen, handler);
  } catch (error) {
    if (!isFailure(error, "AddrInUse")) throw error;
    throw new Error(`Cannot serve on port ${port}: another program does; give another --port, or 0 for any`);
  }
}

/** Runs `serve`, and gives its exit code where it ends. */
export async function serve(args: readonly string[]): Promise<number> {
  return await runCommand({
    purpose: "Answer records with what tabular learned: POST /predict takes one or an array of them as JSON.",
    options,
    permissions: () => [readingVariables("GRADUS_BACKEND")],
    run: main,
  }, args);
}
