/**
 * Which back end computes: chosen on first use, never at import.
 *
 * Native where a kernel is cached or can be compiled with the permissions already granted, else wasm, else the reference's plain loops.
 * `GRADUS_BACKEND` or {@linkcode useBackend} overrides the choice.
 */
import type { Backend, BackendName, Opened } from "./backend.ts";
import { environment } from "../host/host.ts";
import { openNative } from "./native/native.ts";
import { reference } from "./reference/reference.ts";
import { registerOpening } from "./threads.ts";
import { openWasm } from "./wasm/wasm.ts";

/** How each back end is opened; `auto` takes the first that is available. */
const OPEN: Readonly<Record<Backend["name"], () => Opened>> = {
  native: () => openNative(),
  wasm: openWasm,
  reference: () => ({ backend: reference, reason: "always there" }),
};
const NAMES = Object.keys(OPEN) as Backend["name"][];

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
  if (!isName(name)) throw new TypeError(`Cannot use the back end ${name}: expected ${[...NAMES, "auto"].join(", ")}`);
  if (name !== "auto") return { backend: backendNamed(name), reason: "asked for by name" };
  const missed: string[] = [];
  for (const name of NAMES) {
    const { backend, reason } = open(name);
    if (backend !== undefined) return { backend, reason: missed.length === 0 ? reason : missed.join("; ") };
    missed.push(`not ${name}: ${reason}`);
  }
  throw new Error(`Cannot choose a back end: ${missed.join("; ")}`);
}

function isName(name: string): name is BackendName {
  return name === "auto" || NAMES.includes(name as Backend["name"]);
}

const opened = new Map<Backend["name"], Opened>();

function open(name: Backend["name"]): Opened {
  let found = opened.get(name);
  if (found === undefined) opened.set(name, found = OPEN[name]());
  Object.freeze(found.backend); // a verb that was replaced could keep memory that a backward pass uses again
  return found;
}

/** What `GRADUS_BACKEND` asks for, read only where that is already allowed. */
function requested(): BackendName {
  const name = environment("GRADUS_BACKEND") ?? "auto";
  if (isName(name)) return name;
  throw new TypeError(`Cannot use GRADUS_BACKEND=${name}: expected ${[...NAMES, "auto"].join(", ")}`);
}
