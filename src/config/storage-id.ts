import { z } from "zod";

/**
 * The option by which a component names the storage extension that it keeps its state in. What it names is
 * checked by the service, for types whose factory says where the option is (`storageKey`).
 */
export function storageId() {
  return z
    .string()
    .meta({ title: "id of a storage extension", examples: ["file_storage"] })
    .optional();
}
