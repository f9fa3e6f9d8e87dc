import { ServiceDefinition } from "#shared/contract/definition.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";
import { describeIssue, type Finding } from "./describe-issue.ts";
import { locateLine, type TomlPath } from "./locate-line.ts";
import { fieldsAt } from "./schema-walk.ts";

/** What is known of a definition's text. */
export interface DefinitionSource {
  readonly text: string;
  /** Path of the file, for messages. */
  readonly path: string;
  /** Name that the file's name promises. */
  readonly service: string;
}

/**
 * The definition in a text.
 *
 * @throws {PlatformError} invalid-definition — with every problem at once, in the order of the lines; `details.problems` has
 *   `{ line, path, message }` of each
 */
export function checkDefinition(source: DefinitionSource): ServiceDefinition {
  const document = readDocument(source);
  const parsed = ServiceDefinition.safeParse(document);
  const findings = [...(parsed.success ? [] : listFindings(document, parsed.error)), ...nameFindings(document, source)];
  if (parsed.success && findings.length === 0) return parsed.data;
  throw toError(source, findings);
}

function readDocument({ text, path }: DefinitionSource): Record<string, unknown> {
  try {
    return parseToml(text, path);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new PlatformError("invalid-definition", error.message, { details: error.details });
  }
}

type SchemaError = NonNullable<ReturnType<typeof ServiceDefinition.safeParse>["error"]>;

function listFindings(document: Record<string, unknown>, error: SchemaError): Finding[] {
  const findings = describeAll(document, error);
  // The rules that span fields are only looked at in a document whose fields are right: try again with the wrong ones repaired.
  const repaired = structuredClone(document);
  for (const issue of error.issues) repair(repaired, issue);
  const again = ServiceDefinition.safeParse(repaired);
  const seen = new Set(findings.map(({ path }) => JSON.stringify(path)));
  const hidden = again.success ? [] : describeAll(repaired, again.error);
  return [...findings, ...hidden.filter(({ path }) => !seen.has(JSON.stringify(path)))];
}

function describeAll(document: unknown, { issues }: SchemaError): Finding[] {
  return issues.flatMap((issue) => describeIssue(issue, document, fieldsAt(ServiceDefinition, toTomlPath(issue.path))));
}

function repair(document: Record<string, unknown>, issue: SchemaError["issues"][number]): void {
  const path = toTomlPath(issue.path);
  if (issue.code === "unrecognized_keys") issue.keys.forEach((key) => setAt(document, [...path, key], undefined));
  else if (issue.code === "invalid_value") setAt(document, path, issue.values[0]);
}

function setAt(document: unknown, path: TomlPath, value: unknown): void {
  const [step, ...rest] = path;
  if (typeof document !== "object" || document === null || step === undefined) return;
  if (rest.length > 0) return setAt(Reflect.get(document, step), rest, value);
  if (value === undefined) Reflect.deleteProperty(document, step);
  else Reflect.set(document, step, value);
}

function nameFindings(document: Record<string, unknown>, { service }: DefinitionSource): Finding[] {
  const { name } = document;
  if (typeof name !== "string" || name === service) return [];
  return [{ path: ["name"], message: `is "${name}", expected "${service}" as the file is named` }];
}

function toError({ text, path }: DefinitionSource, findings: readonly Finding[]): PlatformError {
  const problems = findings
    .map((finding) => ({
      line: locateLine(text, finding.path),
      path: showPath(finding.path),
      message: finding.message,
    }))
    .toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0));
  const lines = problems.map(({ line, path: place, message }) =>
    `\n  ${line === undefined ? "" : `line ${line}: `}${place}: ${message}`
  );
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new PlatformError(
    "invalid-definition",
    `Cannot use the definition "${path}": ${count}, expected none${lines.join("")}`,
    {
      details: { file: path, problems },
    },
  );
}

function toTomlPath(path: readonly PropertyKey[]): TomlPath {
  return path.filter((step) => typeof step !== "symbol");
}

/** The path as people write it: `components[0].routes[1].mode`. */
function showPath(path: TomlPath): string {
  return path.map((step, index) => typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`).join("");
}
