/** The page's worker: all that computes runs here, so that the page itself never waits. */
import type { FilesBeside } from "./digit_data.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Session } from "./session.ts";

/** The worker's end of the line. */
const page = globalThis as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};

/** Lets what the page has sent come in. A timer would wait for four milliseconds, a message does not. */
function turns(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return () =>
    new Promise((done) => {
      port1.onmessage = () => done();
      port2.postMessage(null);
    });
}

/** The addresses of MNIST's files, where they are beside the page. */
async function filesBeside(): Promise<FilesBeside> {
  const { mnist } = await (await fetch(new URL("settings.json", import.meta.url))).json();
  return mnist.map((address: string) => new URL(address, import.meta.url).href);
}

const early: ToWorker[] = []; // what the page asks before there is a session
page.onmessage = ({ data }) => void early.push(data);
const session = await Session.open((message) => page.postMessage(message), turns(), await filesBeside());
for (const message of early) await session.answer(message);
page.onmessage = ({ data }) => void session.answer(data);
