import { viaName } from "../l7/forwarded-fields.ts";
import type { Fields, RequestHead } from "../l7/streams.ts";

/** Of whom and about what an authentication service is asked. */
export interface AskedRequest {
  readonly request: Pick<RequestHead, "version" | "method" | "path" | "authority" | "fields" | "via">;
  readonly clientAddress: string;
}

/** The client's fields that the service gets, and how several lines of one become one. */
const sentFields: Readonly<Record<string, string>> = { authorization: ", ", cookie: "; ", accept: ", " };

/** Fields of its answer that a client gets when it may not pass. */
const returnedFields = new Set([
  "location",
  "www-authenticate",
  "set-cookie",
  "content-type",
  "cache-control",
  "retry-after",
]);

/** The fields of the question: who, and what for. `Via` ends the loop when the service is behind a route that asks it. */
export function toQuestionFields({ request, clientAddress }: AskedRequest): Record<string, string> {
  const via = `${request.version} ${viaName}`;
  const fields: Record<string, string> = {
    "x-forwarded-method": request.method,
    "x-forwarded-proto": "https",
    "x-forwarded-host": request.authority,
    "x-forwarded-uri": request.path,
    "x-forwarded-for": clientAddress,
    via: request.via === "" ? via : `${request.via}, ${via}`,
  };
  for (let index = 0; index < request.fields.length; index += 2) {
    const name = (request.fields[index] ?? "").toLowerCase();
    const value = request.fields[index + 1] ?? "";
    const separator = Object.hasOwn(sentFields, name) ? sentFields[name] : undefined;
    if (separator === undefined) continue;
    const before = fields[name];
    fields[name] = before === undefined ? value : `${before}${separator}${value}`;
  }
  return fields;
}

/** The answer's fields for the client. */
export function toReturnedFields(answer: Fields): Fields {
  return pick(answer, (name) => returnedFields.has(name));
}

/** The answer's fields called `names`, in lower case, for the instance. */
export function toInstanceFields(answer: Fields, names: readonly string[]): Fields {
  const wanted = new Set(names);
  return pick(answer, (name) => wanted.has(name));
}

/**
 * Lower-case names of the request's fields that a client may not send, as only the service may set `names`. A look-alike with `_`
 * counts as the same name, since many backends read it so.
 */
export function namesToDrop(request: Fields, names: readonly string[]): ReadonlySet<string> {
  const plain = new Set(names.map(toPlain));
  const found = new Set<string>();
  for (let index = 0; index < request.length; index += 2) {
    const name = (request[index] ?? "").toLowerCase();
    if (plain.has(toPlain(name))) found.add(name);
  }
  return found;
}

function toPlain(lowerName: string): string {
  return lowerName.replaceAll("_", "-");
}

function pick(fields: Fields, isWanted: (lowerName: string) => boolean): Fields {
  const picked: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    if (isWanted(name.toLowerCase())) picked.push(name, fields[index + 1] ?? "");
  }
  return picked;
}
