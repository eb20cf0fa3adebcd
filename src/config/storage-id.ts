import { z } from "zod";

/**
 * The option by which a component names the storage extension that keeps its state. The service checks the
 * name, for types whose factory has the place of the option (`storageKey`).
 */
export function storageId() {
  return z
    .string()
    .meta({ title: "id of a storage extension", examples: ["file_storage"] })
    .optional();
}
