/**
 * The signatures this project relies on, for the stand-ins that `bridge.ts` writes: npm's copy of std has none.
 *
 * @module
 */

type Signatures = Readonly<Record<string, string>>;

const pair = "<T>(actual: T, expected: T, msg?: string) => void";
const order = "<T>(actualA: T, expectedB: T, msg?: string) => void";
const numbers = "(actual: number, expected: number, tolerance?: number, msg?: string) => void";
const anyClass = "abstract new (...args: any[]) => unknown";
const thrown = "<E extends Error = Error>";
const errorClass = "new (...args: any[]) => E";
const thrower = `{ (fn: () => unknown, msg?: string): unknown;
  ${thrown}(fn: () => unknown, ErrorClass: abstract ${errorClass}, msgIncludes?: string, msg?: string): E }`;
const rejecter = `{ (fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
  ${thrown}(fn: () => PromiseLike<unknown>, ErrorClass: abstract ${errorClass}, msgIncludes?: string, msg?: string): Promise<E> }`;

const assert: Signatures = {
  assert: "(expr: unknown, msg?: string) => asserts expr",
  assertAlmostEquals: numbers,
  assertArrayIncludes: "<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, msg?: string) => void",
  assertEquals: pair,
  assertExists: "<T>(actual: T, msg?: string) => asserts actual is NonNullable<T>",
  assertFalse: "(expr: unknown, msg?: string) => asserts expr is false | 0 | 0n | '' | null | undefined",
  assertGreater: order,
  assertGreaterOrEqual: order,
  assertInstanceOf:
    `<T extends ${anyClass}>(actual: unknown, expectedType: T, msg?: string) => asserts actual is InstanceType<T>`,
  assertIsError:
    `${thrown}(error: unknown, ErrorClass?: abstract ${errorClass}, msgMatches?: string | RegExp, msg?: string) => asserts error is E`,
  assertLess: order,
  assertLessOrEqual: order,
  assertMatch: "(actual: string, expected: RegExp, msg?: string) => void",
  assertNotEquals: pair,
  assertNotInstanceOf:
    "<A, T>(actual: A, unexpectedType: abstract new (...args: any[]) => T, msg?: string) => asserts actual is Exclude<A, T>",
  assertNotMatch: "(actual: string, expected: RegExp, msg?: string) => void",
  assertNotStrictEquals: pair,
  assertObjectMatch: "(actual: Record<PropertyKey, any>, expected: Record<PropertyKey, unknown>, msg?: string) => void",
  assertRejects: rejecter,
  assertStrictEquals: "<T>(actual: unknown, expected: T, msg?: string) => asserts actual is T",
  assertStringIncludes: "(actual: string, expected: string, msg?: string) => void",
  assertThrows: thrower,
  AssertionError: "new (message: string, options?: ErrorOptions) => Error",
  equal: "(a: unknown, b: unknown) => boolean",
  fail: "(msg?: string) => never",
  unimplemented: "(msg?: string) => never",
  unreachable: "(msg?: string) => never",
};

const path: Signatures = {
  basename: "(path: string | URL, suffix?: string) => string",
  DELIMITER: "';' | ':'",
  dirname: "(path: string | URL) => string",
  extname: "(path: string | URL) => string",
  fromFileUrl: "(url: string | URL) => string",
  isAbsolute: "(path: string) => boolean",
  join: "(path: string | URL, ...paths: string[]) => string",
  normalize: "(path: string | URL) => string",
  relative: "(from: string, to: string) => string",
  resolve: "(...pathSegments: string[]) => string",
  SEPARATOR: "'/' | '\\\\'",
  toFileUrl: "(path: string) => URL",
};

const streams: Signatures = {
  TextLineStream: "new (options?: { allowCR?: boolean }) => TransformStream<string, string>",
  toArrayBuffer: "(stream: ReadableStream<Uint8Array>) => Promise<ArrayBuffer>",
  toBytes: "(stream: ReadableStream<Uint8Array>) => Promise<Uint8Array>",
  toJson: "(stream: ReadableStream) => Promise<unknown>",
  toText: "(stream: ReadableStream) => Promise<string>",
};

/** Types as source text, by package and export. */
export const TYPES: Readonly<Record<"assert" | "path" | "streams", Signatures>> = {
  assert,
  path,
  streams,
};
