/** Sixteen-bit floats, widened to float32 exactly. */

/** The float32 values of `bits`, each a bfloat16: the upper half of a float32. */
export function fromBfloat16(bits: Uint16Array<ArrayBuffer>): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}

/** The float32 values of `bits`, each an IEEE 754 binary16. */
export function fromFloat16(bits: Uint16Array<ArrayBuffer>): Float32Array {
  return new Float32Array(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
}
