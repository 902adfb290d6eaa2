import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "../../../bdd.ts";
import { Learner, ShowProgress } from "@gradus/gradus/train";
import { display } from "@gradus/gradus/display";
import { nn, optim, tensor } from "@gradus/gradus";

interface Message {
  kind: string;
  text: string;
  id: string;
}

/** Runs as in the kernel of a notebook, and gives what it was told to show. */
async function inNotebook(run: () => Promise<unknown>): Promise<Message[]> {
  const told: Message[] = [];
  // deno-lint-ignore no-explicit-any
  const broadcast = async (kind: string, { data, transient }: any) => {
    await new Promise((resolve) => setTimeout(resolve, told.length === 0 ? 5 : 0)); // the first takes longest
    told.push({ kind, text: data["text/plain"], id: transient.display_id });
  };
  const own = Object.getOwnPropertyDescriptor(globalThis, "Deno")!;
  const kernel = Object.create(Deno, { jupyter: { value: { broadcast } } }); // Deno's own property cannot be replaced
  Object.defineProperty(globalThis, "Deno", { ...own, value: kernel });
  try {
    await run();
  } finally {
    Object.defineProperty(globalThis, "Deno", own);
  }
  return told;
}

function learner(): Learner {
  const model = new nn.Linear(1, 1), batch = [tensor([[1]]), tensor([[2]])] as const;
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 });
  const data = { train: [batch, batch] };
  return new Learner({ model, optimizer, loss: nn.functional.mse, data, callbacks: [new ShowProgress()] });
}

describe("ShowProgress in a notebook", () => {
  it("is one output that is replaced, in order, with the lines of the epochs in the end", async () => {
    const told = await inNotebook(() => learner().fit(2));
    assertEquals(told[0].kind, "display_data");
    assertEquals(new Set(told.slice(1).map(({ kind }) => kind)), new Set(["update_display_data"]));
    assertEquals(new Set(told.map(({ id }) => id)).size, 1);
    assertMatch(told[0].text, /^epoch 1\/2 [█░]+ +50% .* loss \d/);
    assertMatch(told.at(-1)!.text, /^epoch 1\/2 {2}loss [\d.]+\nepoch 2\/2 {2}loss [\d.]+$/);
  });
  it("has an output of its own in each run", async () => {
    const run = learner();
    const told = await inNotebook(async () => {
      await run.fit(1);
      await run.fit(1);
    });
    assertEquals(told.filter(({ kind }) => kind === "display_data").length, 2);
    assertEquals(new Set(told.map(({ id }) => id)).size, 2);
  });
});

describe("display() in a notebook", () => {
  it("shows each value in an output of its own", async () => {
    const told = await inNotebook(async () => {
      await display(tensor([1, 2]));
      await display("x");
    });
    assertEquals(told.map(({ kind, text }) => [kind, text]), [
      ["display_data", `${tensor([1, 2])}`],
      ["display_data", "x"],
    ]);
    assertEquals(new Set(told.map(({ id }) => id)).size, 2);
  });
});
