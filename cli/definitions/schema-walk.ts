import { z } from "zod";
import type { TomlPath } from "./locate-line.ts";

/** The names of the fields that a schema knows at a path; empty when the path leads elsewhere than to an object. */
export function fieldsAt(schema: unknown, path: TomlPath): string[] {
  const found = path.reduce<unknown>((current, step) => stepInto(unwrap(current), step), schema);
  const inner = unwrap(found);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The value at a path of a parsed document, or `undefined`. */
export function valueAt(document: unknown, path: TomlPath): unknown {
  return path.reduce<unknown>((current, step) => {
    if (typeof current !== "object" || current === null) return undefined;
    return Object.entries(current).find(([key]) => key === String(step))?.[1];
  }, document);
}

function stepInto(schema: unknown, step: string | number): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[String(step)];
  if (schema instanceof z.ZodArray) return schema.element;
  if (schema instanceof z.ZodRecord) return schema.valueType;
  return undefined;
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType);
  }
  return schema;
}
