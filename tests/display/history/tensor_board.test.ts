import { describe, it } from "../../bdd.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { decode } from "fast-png";
import { tensor, zeros } from "@gradus/gradus";
import { SummaryWriter, TensorBoard } from "@gradus/gradus/display";
import { crc32c, framed } from "../../../display/history/records.ts";
import { inFolder, namesIn } from "../../core/io/in_folder.ts";
import { EPOCHS, smallLearner } from "../../layers/train/small_run.ts";

const PYTHON = "/usr/bin/python3";
const READER = new URL("read_events.py", import.meta.url).pathname;

/** Runs Python; `null` where there is none, or it may not be run. */
function python(...args: string[]): { success: boolean; out: string; error: string } | null {
  if (Deno.permissions.querySync({ name: "run", command: PYTHON }).state !== "granted") return null;
  try {
    const { success, stdout, stderr } = new Deno.Command(PYTHON, { args }).outputSync();
    return { success, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
  } catch {
    return null;
  }
}

const hasProtobuf = python("-c", "import google.protobuf")?.success ?? false;

/** What a reader that is not this project's finds in the one event file of a folder. */
interface Found {
  readonly version?: string;
  readonly tag: string;
  readonly step: number;
  readonly time: number;
  readonly scalar?: number;
  readonly histo?: [
    min: number,
    max: number,
    num: number,
    sum: number,
    squares: number,
    limits: number[],
    counts: number[],
  ];
  readonly image?: [height: number, width: number, channels: number, png: string];
}

function readEvents(folder: string): Found[] {
  const [name, ...others] = namesIn(folder);
  assertEquals(others, []);
  const { success, out, error } = python(READER, `${folder}/${name}`)!;
  assert(success, error);
  return JSON.parse(out);
}

describe("crc32c()", () => {
  it("is that of RFC 3720's examples", () => {
    assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
    assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assertEquals(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  });
});

describe("framed()", () => {
  it("puts a record between its length and two checksums", () => {
    const record = framed(new Uint8Array([1, 2, 3])), view = new DataView(record.buffer);
    assertEquals([view.getBigUint64(0, true), record.length, [...record.subarray(12, 15)]], [3n, 19, [1, 2, 3]]);
  });
});

describe("SummaryWriter", () => {
  (hasProtobuf ? it : it.skip)(
    "is read by Debian's python3-protobuf: scalars, histograms and pictures (python3-protobuf)",
    () =>
      inFolder(async (folder) => {
        const writer = new SummaryWriter(`${folder}/deep/events`), before = Date.now() / 1000;
        writer.addScalar("loss", 0.5, 1);
        writer.addScalar("naïve ☃", -0.25, 2 ** 40);
        await writer.flush();
        writer.addHistogram("w", tensor([-1, 0, 0, 2, NaN]), 3);
        writer.addImage("grey", tensor([[0, 1], [0.5, 0], [0, 0]]), 4);
        writer.addImage("colour", tensor([[[-1, 3]], [[1, 1]], [[1, 1]]]), 5);
        await writer.flush();
        const [version, loss, odd, w, grey, colour] = readEvents(`${folder}/deep/events`);
        assertEquals(version.version, "brain.Event:2");
        assertEquals([loss.tag, loss.step, loss.scalar], ["loss", 1, 0.5]);
        assert(loss.time >= before && loss.time <= Date.now() / 1000);
        assertEquals([odd.tag, odd.step, odd.scalar], ["naïve ☃", 2 ** 40, -0.25]);
        const [min, max, num, sum, squares, limits, counts] = w.histo!;
        assertEquals([min, max, num, sum, squares], [-1, 2, 4, 1, 5]);
        assertEquals([limits.length, counts.length, limits[0], limits.at(-1)], [31, 31, -1, 2]);
        assertEquals([counts[0], counts[1], counts.at(-1), counts.reduce((a, b) => a + b)], [0, 1, 1, 4]);
        assertEquals(grey.image!.slice(0, 3), [3, 2, 1]);
        assertEquals([...decode(Uint8Array.fromHex(grey.image![3])).data], [0, 255, 128, 0, 0, 0]);
        assertEquals(colour.image!.slice(0, 3), [1, 2, 3]);
        assertEquals([...decode(Uint8Array.fromHex(colour.image![3])).data], [0, 128, 128, 255, 128, 128]); // from −1 to 3
      }),
  );

  it("refuses what has no place in an event file", () => {
    const writer = new SummaryWriter("nowhere");
    assertThrows(() => writer.addScalar("a", 1, 0.5), RangeError, "Cannot add at step 0.5");
    assertThrows(() => writer.addImage("a", zeros([2, 3, 3]), 0), RangeError, "1, 3 or 4 channels");
  });
});

describe("TensorBoard", () => {
  (hasProtobuf ? it : it.skip)(
    "writes a run that Debian's python3-protobuf reads (python3-protobuf)",
    () =>
      inFolder(async (folder) => {
        const learner = smallLearner([new TensorBoard(folder, { every: 2 })]);
        const { history } = await learner.fit(EPOCHS);
        const found = readEvents(folder), scalars = (tag: string) => found.filter((event) => event.tag === tag);
        assertEquals(scalars("loss/train").map(({ step }) => step), history.map(({ step }) => step));
        for (const [i, { scalar }] of scalars("loss/train").entries()) {
          assertAlmostEquals(scalar!, history[i].trainLoss, 1e-6 * history[i].trainLoss); // float32
        }
        const steps = Array.from({ length: Math.floor(history.at(-1)!.step / 2) }, (_, i) => 2 * (i + 1));
        assertEquals(scalars("loss/step").map(({ step }) => step), steps);
        const [name, weight] = learner.model.namedParameters()[0];
        assertEquals(scalars(`weights/${name}`).length, EPOCHS);
        assertEquals(scalars(`weights/${name}`).at(-1)!.histo![2], weight.numel());
        assertEquals(scalars(`gradients/${name}`).map(({ step }) => step), history.map(({ step }) => step));
      }),
  );
});
