/** Imported first, it leaves WebAssembly without relaxed SIMD, which Node.js 20 has not and which rounds otherwise. */
WebAssembly.validate = () => false;
