/** What layers compute, as functions without state: PyTorch's `nn.functional`. */
export * from "./functional_activation.ts";
export * from "./functional_class_loss.ts";
export * from "./functional_layer.ts";
export * from "./functional_loss.ts";
