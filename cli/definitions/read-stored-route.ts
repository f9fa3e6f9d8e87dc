import { readFile } from "node:fs/promises";
import { StoredRouteDefinition } from "#shared/contract/route-definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { type CommandInput, listOption, textOption } from "../world.ts";
import { describeIssue } from "./describe-issue.ts";
import { fieldsAt } from "./schema-walk.ts";

/** Options whose texts are fields of the route, and where. */
const textFields: Readonly<Record<string, readonly [field: string, table?: "limits" | "policies"]>> = {
  mode: ["mode"],
  service: ["service"],
  backendProtocol: ["backend"],
  backendName: ["backend_name"],
  proxyProtocol: ["proxy_protocol"],
  certificate: ["certificate"],
  limitHead: ["head", "limits"],
  limitBody: ["body", "limits"],
  limitFirstByte: ["first_byte", "limits"],
  limitTotal: ["total", "limits"],
  limitIdle: ["idle", "limits"],
  forwardAuth: ["forward_auth", "policies"],
  maintenance: ["maintenance", "policies"],
  pause: ["pause", "policies"],
};
/** Options that are lists. */
const listFields: Readonly<Record<string, readonly [field: string, table?: "policies"]>> = {
  backend: ["backends"],
  blockUserAgent: ["block_user_agent", "policies"],
  requireHeader: ["require_header", "policies"],
  allow: ["allow", "policies"],
  trustedProxy: ["trusted_proxies", "policies"],
};

type Table = Record<string, unknown>;

/**
 * The route that the operator wrote: a file, if one was given, with the options of the command line over it.
 *
 * @throws {PlatformError} invalid-definition, invalid-usage — with every problem at once
 */
export async function readStoredRoute(input: CommandInput): Promise<StoredRouteDefinition> {
  const path = textOption(input, "file");
  const document = {
    port: 443,
    mode: "l7",
    ...(path === undefined ? {} : await readDocument(path)),
    ...readHost(input),
  };
  const route = applyOptions(document, input);
  const parsed = StoredRouteDefinition.safeParse(route);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => {
    const place = issue.path.filter((step) => typeof step !== "symbol");
    return describeIssue(issue, route, fieldsAt(StoredRouteDefinition, place));
  }).map(({ path: place, message }) => ({ path: place.join("."), message }));
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map((problem) => `\n  ${problem.path}: ${problem.message}`).join("");
  throw new PlatformError(
    path === undefined ? "invalid-usage" : "invalid-definition",
    `Cannot use the route${path === undefined ? "" : ` "${path}"`}: ${count}, expected none${lines}`,
    { details: { problems } },
  );
}

async function readDocument(path: string): Promise<Table> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const message = `Cannot read the route "${path}": it is not readable, expected a TOML file`;
    throw new PlatformError("invalid-definition", message, { cause });
  });
  return parseToml(text, path);
}

function readHost(input: CommandInput): Table {
  const [hostname] = input.arguments;
  const port = textOption(input, "port");
  return { ...(hostname === undefined ? {} : { hostname }), ...(port === undefined ? {} : { port: parsePort(port) }) };
}

/**
 * The port in a text.
 *
 * @throws {PlatformError} invalid-usage — when there is none
 */
export function parsePort(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new PlatformError("invalid-usage", `Cannot use the port "${text}": it is none, expected 1 to 65535`);
}

function applyOptions(document: Table, input: CommandInput): Table {
  const route: Table = { ...document };
  const set = (field: string, table: string | undefined, value: unknown) => {
    if (value === undefined) return;
    if (table === undefined) route[field] = value;
    else route[table] = { ...toTable(route[table]), [field]: value };
  };
  for (const [option, [field, table]] of Object.entries(textFields)) set(field, table, textOption(input, option));
  for (const [option, [field, table]] of Object.entries(listFields)) set(field, table, listOption(input, option));
  const requests = textOption(input, "limitRequests");
  if (requests !== undefined) set("requests", "limits", parseRate(requests, "--limit-requests"));
  return route;
}

function toTable(value: unknown): Table {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/**
 * The count and the window of a text such as `100/10s`.
 *
 * @throws {PlatformError} invalid-usage — when it is another text
 */
export function parseRate(text: string, option: string): { readonly count: number; readonly window: string } {
  const [, count, window] = /^(\d{1,9})\/(\d+(?:ms|s|m|h|d))$/.exec(text) ?? [];
  if (count !== undefined && window !== undefined) return { count: Number(count), window };
  throw new PlatformError(
    "invalid-usage",
    `Cannot use ${option} "${text}": it is no rate, expected a count and a window, such as 100/10s`,
  );
}
