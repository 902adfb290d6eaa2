/** The model file of `tabular`: the weights of a network, and the schema that turns a table's rows into its features. */
import { isFailure } from "../core/host/host.ts";
import { cat, nn, noGrad, type Tensor, zeros } from "../mod.ts";
import { TableSchema } from "../datasets/data.ts";
import { readSafetensors, writeSafetensors } from "../core/io/io.ts";

/** A network and what its features and answers mean. */
export interface TabularFile {
  readonly schema: TableSchema;
  readonly model: nn.TabularModel;
}

/** Rows that the network takes at a time, the last ones with zeros after them: so a row gives the same bits wherever it stands. */
const ROWS = 256;

/** Writes a model file. */
export async function saveModel(path: string, { schema, model }: TabularFile): Promise<void> {
  await writeSafetensors(path, model.stateDict(), { schema: JSON.stringify(schema) });
}

/** Reads a model file; the sizes of the network are those of its weights. */
export async function loadModel(path: string): Promise<TabularFile> {
  const { tensors, metadata } = await readSafetensors(path).catch((error) => {
    if (!isFailure(error, "NotFound")) throw error;
    throw new Error(`Cannot read the model ${path}: there is no such file; tabular FILE makes it`, {
      cause: error,
    });
  });
  return modelOf(tensors, metadata, path);
}

/** What a model file holds. */
export function modelOf(
  tensors: Map<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
  path: string,
): TabularFile {
  const text = metadata.get("schema");
  if (text === undefined) {
    throw new SyntaxError(`Cannot use ${path}: it has no schema; tabular FILE makes one`);
  }
  const schema = TableSchema.fromJSON(JSON.parse(text));
  const linear = [...tensors].filter(([name, { ndim }]) => ndim === 2 && name.startsWith("layers."));
  const hidden = linear.slice(0, -1).map(([, { shape }]) => shape[0]);
  const dropout = hidden.length > 0 && !tensors.has("layers.3.weight") ? 0.5 : 0; // it moves the next layer's number
  const model = new nn.TabularModel(schema.features, schema.outputs, { hidden, dropout });
  model.loadStateDict(tensors);
  return { schema, model: model.eval() };
}

/** The network's outputs [rows, outputs] for features x [rows, features]. */
export function outputsOf(model: nn.TabularModel, x: Tensor): Tensor {
  model.eval();
  const rows = x.shape[0], parts: Tensor[] = [];
  for (let at = 0; at < rows; at += ROWS) {
    const part = x.slice(0, at, Math.min(at + ROWS, rows)), rest = ROWS - part.shape[0];
    const whole = rest === 0 ? part : cat([part, zeros([rest, x.shape[1]])]);
    parts.push(noGrad(() => model.call(whole)).slice(0, 0, part.shape[0]));
  }
  return cat(parts);
}
