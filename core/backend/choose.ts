/**
 * Which back end computes: chosen on first use, never at import.
 *
 * Native where a kernel is cached or can be compiled with the permissions already granted, else wasm, else the reference's plain loops.
 * `GRADUS_BACKEND` or {@linkcode useBackend} overrides the choice.
 */
import type { Backend, Opened } from "./backend.ts";
import { openNative } from "./native/native.ts";
import { reference } from "./reference/reference.ts";
import { registerOpening } from "./threads.ts";
import { openWasm } from "./wasm/wasm.ts";

/** A back end by name; `auto` takes the fastest one that is available. */
export type BackendName = "native" | "wasm" | "reference" | "auto";

const NAMES: readonly BackendName[] = ["native", "wasm", "reference", "auto"];

interface Choice {
  backend: Backend;
  reason: string;
}

let chosen: Choice | null = null;
registerOpening(backend);

/** The back end in use; the first call chooses it. */
export function backend(): Backend {
  return (chosen ??= choose(requested())).backend;
}

/** The name of the back end in use; the first call chooses it. */
export function backendName(): Exclude<BackendName, "auto"> {
  return backend().name;
}

/** Why this back end was chosen, in one sentence. */
export function backendReason(): string {
  return (chosen ??= choose(requested())).reason;
}

/**
 * Uses the named back end from now on; returns its name, which for `"auto"` is the one that was chosen.
 *
 * @example
 * ```ts
 * import { useBackend } from "@gradus/gradus";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(useBackend("reference"), "reference");
 * useBackend("auto");
 * ```
 * @throws {Error} If the named back end is not available here; the message says why.
 */
export function useBackend(name: BackendName): Exclude<BackendName, "auto"> {
  chosen = choose(name);
  return chosen.backend.name;
}

/**
 * The named back end, opened if it was not yet.
 *
 * @throws {Error} If it is not available here; the message says why.
 */
export function backendNamed(name: Backend["name"]): Backend {
  const found = open(name);
  if (found.backend === undefined) throw new Error(`Cannot use the ${name} back end: ${found.reason}`);
  return found.backend;
}

function choose(name: BackendName): Choice {
  if (!NAMES.includes(name)) throw new TypeError(`Cannot use the back end ${name}: expected ${NAMES.join(", ")}`);
  if (name !== "auto") return { backend: backendNamed(name), reason: "asked for by name" };
  const native = open("native");
  if (native.backend !== undefined) return { backend: native.backend, reason: native.reason };
  const wasm = open("wasm");
  if (wasm.backend !== undefined) return { backend: wasm.backend, reason: `not native: ${native.reason}` };
  return { backend: reference, reason: `not native: ${native.reason}; not wasm: ${wasm.reason}` };
}

const opened = new Map<Backend["name"], Opened>([["reference", { backend: reference, reason: "always there" }]]);

function open(name: Backend["name"]): Opened {
  let found = opened.get(name);
  if (found === undefined) opened.set(name, found = name === "native" ? openNative() : openWasm());
  Object.freeze(found.backend); // a verb that was replaced could keep memory that a backward pass uses again
  return found;
}

/** What `GRADUS_BACKEND` asks for, read only where that is already allowed. */
function requested(): BackendName {
  if (typeof Deno === "undefined") return "auto";
  const allowed = Deno.permissions.querySync({ name: "env", variable: "GRADUS_BACKEND" }).state === "granted";
  const name = allowed ? (Deno.env.get("GRADUS_BACKEND") || "auto") : "auto";
  if (NAMES.includes(name as BackendName)) return name as BackendName;
  throw new TypeError(`Cannot use GRADUS_BACKEND=${name}: expected ${NAMES.join(", ")}`);
}
