/** Files that are taken for others: what their first bytes say that they are, and what is to be done. */

const HTML = /^\s*<(!doctype html|html|head|\?xml)/i;
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/[^]*?\nsize (\d{1,15})\n/;

/** The pickled number with which `torch.save` began its files before the zip archives. */
const LEGACY = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/** A pickle of protocol 0 to 5, as it says itself. */
const isPickle = (begin: string) => begin[0] === "\x80" && begin.charCodeAt(1) <= 5;

/** A length below 100 MB in 64 bits, and JSON. */
const isSafetensors = (begin: string) => begin.charCodeAt(3) <= 5 && begin.startsWith("\0\0\0\0{", 4);

/** How files begin, what they are then, and the functions that read them, where some do. */
const KINDS: readonly [begin: RegExp | string | ((begin: string) => boolean), what: string, ...readers: string[]][] = [
  [HTML, "an HTML page, which servers send where they do not give the file: look at it, and download the file itself"],
  ["\x93NUMPY", "an npy file: read it with readNpy", "readNpy"],
  [
    "PK\x03\x04",
    "a zip archive, as npz and PyTorch's files are: read it with readNpz or readTorch",
    "readNpz",
    "readTorch",
  ],
  [LEGACY, "a PyTorch file as before version 1.6: save it anew with torch.save(torch.load(FILE), FILE) of a later one"],
  [isPickle, "a pickle that torch.save did not write: save model.state_dict() with torch.save"],
  [isSafetensors, "a safetensors file: read it with readSafetensors", "readSafetensors"],
  ["\x1f\x8b", "a file that is packed with gzip: unpack it"],
  ["\x89HDF", "an HDF5 file, which is not read here: save its tensors as safetensors"],
  ["GGUF", "a GGUF file, which is not read here: save its tensors as safetensors"],
  [/^\s*\{\s*"/, "JSON, which servers send where they do not give the file: look at it, and download the file itself"],
];

/** What the bytes are, where that is told by how they begin, and is not what `reader` reads; else `null`. */
export function recognise(bytes: Uint8Array, reader: string): string | null {
  const begin = String.fromCharCode(...bytes.subarray(0, 512));
  const size = POINTER.exec(begin)?.[1];
  if (size !== undefined) return `byte 0 begins a git-lfs pointer to ${size} bytes: fetch them with git lfs pull`;
  const found = KINDS.find(([kind]) => {
    if (typeof kind === "string") return begin.startsWith(kind);
    return typeof kind === "function" ? kind(begin) : kind.test(begin);
  });
  if (found === undefined) return null;
  const [, what, ...readers] = found;
  return readers.includes(reader) ? null : `byte 0 begins ${what}`;
}
