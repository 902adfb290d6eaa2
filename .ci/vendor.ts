/**
 * Asks JSR for the std modules, and exits with 1 when it does not answer within three seconds.
 *
 * Where JSR answers, `"vendor": true` makes Deno itself keep what it fetched, and nothing else is needed. Where it does
 * not, the task goes on with `bridge.ts`.
 *
 * @module
 */
import { alone, clearStale, ENTRIES, isComplete, markComplete } from "./marker.ts";
import { NPM_STD } from "./bridge.ts";

const PATIENCE = 3_000;

async function jsrAnswers(): Promise<boolean> {
  const silence = Promise.withResolvers<false>();
  const timer = setTimeout(() => silence.resolve(false), PATIENCE);
  const answer = Promise.all(ENTRIES.map((entry) => import(import.meta.resolve(entry)))).then(() => true, () => false);
  const answered = await Promise.race([answer, silence.promise]);
  clearTimeout(timer);
  return answered;
}

if (import.meta.main && !await isComplete()) {
  await alone(clearStale);
  if (await jsrAnswers()) {
    await markComplete();
  } else {
    console.error(`JSR does not answer: filling vendor/ from ${NPM_STD} instead (delete vendor/ to ask JSR again)`);
    // Not merely returned from: an unanswered import would keep this process alive, and every other import waiting.
    Deno.exit(1);
  }
}
