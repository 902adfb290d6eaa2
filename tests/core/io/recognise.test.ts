import { assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "../../bdd.ts";
import { tensor } from "@gradus/gradus";
import {
  decodeNpy,
  decodeNpz,
  decodeSafetensors,
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  readSafetensorsHeader,
} from "@gradus/gradus/io";

const text = (words: string) => new TextEncoder().encode(words);
const x = tensor([1]);

const STRANGERS: Readonly<Record<string, [bytes: Uint8Array, message: string]>> = {
  "a git-lfs pointer": [
    text("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 45678\n"),
    "byte 0 begins a git-lfs pointer to 45678 bytes: fetch them with git lfs pull",
  ],
  "an HTML page": [
    text("<!doctype html><title>404"),
    "byte 0 begins an HTML page, which servers send where they do not",
  ],
  "a page that begins with its html": [text("\r\n<HTML lang=en>"), "byte 0 begins an HTML page"],
  "an answer in JSON": [text('{"error":"gated repository"}'), "byte 0 begins JSON, which servers send"],
  "a PyTorch file of old": [
    Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
    "byte 0 begins a PyTorch file as before version 1.6",
  ],
  "a pickle": [Uint8Array.of(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0), "byte 0 begins a pickle"],
  "a GGUF file": [text("GGUF\x03\0\0\0\0"), "byte 0 begins a GGUF file"],
};

describe("files that are taken for others", () => {
  for (const [what, [bytes, message]] of Object.entries(STRANGERS)) {
    it(`decodeSafetensors(), decodeNpy() and decodeNpz() name ${what}`, async () => {
      for (const decode of [decodeSafetensors, decodeNpy, decodeNpz]) {
        assertThrows(() => decode(bytes, "model.bin"), SyntaxError, `Cannot read model.bin: ${message}`);
      }
      await assertRejects(() => readSafetensorsHeader(bytes.slice()), SyntaxError, message);
    });
  }

  it("decodeSafetensors() names an npz and an npy file, and these a safetensors file, with who reads them", () => {
    assertThrows(() => decodeSafetensors(encodeNpz({ x })), SyntaxError, "read it with readNpz or readTorch");
    assertThrows(() => decodeSafetensors(encodeNpy(x)), SyntaxError, "read it with readNpy");
    for (const decode of [decodeNpy, decodeNpz]) {
      assertThrows(() => decode(encodeSafetensors({ x })), SyntaxError, "read it with readSafetensors");
    }
    assertThrows(() => decodeNpy(encodeNpz({ x })), SyntaxError, "read it with readNpz or readTorch");
  });
});
