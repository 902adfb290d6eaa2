/** Stands in a browser for the module of the compiled kernel, which brings the C sources with it. */

/** Says that there is no compiled kernel. */
export const openNative = () => ({ reason: "a browser loads no libraries" });
