import { dirname, join } from "node:path/posix";

/** A source file as the rules see it; made from text, so that a rule can be tried on a file that does not exist. */
export interface SourceFile {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  /** The code with empty strings in place of all string literals. */
  readonly bare: string;
  /** What it imports: paths from the root for files of ours, else the specifier as written. */
  readonly imports: readonly string[];
}

/** The file with what the rules look at. Not a parser: it relies on the formatter having put top-level statements at column 0. */
export function parseSource(path: string, text: string): SourceFile {
  const code = text.replaceAll(stringOrComment, (match) => match.startsWith("/") ? "" : match);
  const bare = code.replaceAll(stringOrComment, '""');
  const specifiers = [...code.matchAll(staticImport), ...code.matchAll(dynamicImport)].map(([, specifier = ""]) =>
    specifier
  );
  return { path, text, code, bare, imports: specifiers.map((specifier) => resolve(path, specifier)) };
}

const stringOrComment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const staticImport = /^(?:import|export)\s+(?:(?:type\s+)?[\w$*{},\s]+?\s+from\s+)?["']([^"']+)["']/gm;
const dynamicImport = /\bimport\(\s*["']([^"']+)["']/g;

function resolve(path: string, specifier: string): string {
  if (specifier.startsWith("#shared/")) return specifier.slice(1);
  return specifier.startsWith(".") ? join(dirname(path), specifier) : specifier;
}

/** Folders with source of ours. */
export const sourceFolders = [
  "shared",
  "handlers",
  "edge-proxy",
  "node-runtime",
  "cli",
  "web",
  "infra",
  "bench",
  "tests",
];

/**
 * The unit that a path belongs to, `undefined` for a package. Files directly in `handlers/` are the unit `handlers`,
 * which puts the systems together.
 */
export function unitOf(path: string): string | undefined {
  const [top = "", second = ""] = path.split("/");
  if (!sourceFolders.includes(top)) return undefined;
  const hasUnits = top === "node-runtime" || (top === "handlers" && !second.includes("."));
  return hasUnits ? `${top}/${second}` : top;
}

/** Says whether a file serves tests only. */
export function isForTests(path: string): boolean {
  return /\.test\.tsx?$|(^|\/)testing(\/|\.ts$)|(^|\/)start-test-[a-z]+\.ts$|\/temporary-[a-z]+\.ts$|^(tests|bench)\//
    .test(path);
}
