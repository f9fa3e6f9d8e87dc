/** A place in a TOML document: keys of tables and indexes of arrays. */
export type TomlPath = readonly (string | number)[];

/**
 * The number of the line (from 1) that sets the path, or else the nearest table around it; `undefined` when neither is found.
 * A best effort for messages: it reads headers and `key =` lines, not the whole of TOML.
 */
export function locateLine(text: string, path: TomlPath): number | undefined {
  const lines = indexLines(text);
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(toKey(path.slice(0, length)));
    if (line !== undefined) return line;
  }
  return undefined;
}

function indexLines(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const counts = new Map<string, number>();
  let table: TomlPath = [];
  text.split("\n").forEach((line, index) => {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    const key = /^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(
      line,
    );
    if (header !== null) {
      table = openTable(splitKeys(header[2] ?? ""), header[1] === "[[", counts);
      remember(found, table, index + 1);
    } else if (key !== null) {
      remember(found, [...table, ...splitKeys(key[1] ?? "")], index + 1);
    }
  });
  return found;
}

/** The full path of a header: each array of tables that it passes through stands for its newest element. */
function openTable(keys: readonly string[], isElement: boolean, counts: Map<string, number>): TomlPath {
  const path: (string | number)[] = [];
  keys.forEach((key, depth) => {
    path.push(key);
    const name = toKey(path);
    const isLast = depth === keys.length - 1;
    if (isLast && isElement) counts.set(name, (counts.get(name) ?? -1) + 1);
    const element = counts.get(name);
    if (element !== undefined) path.push(element);
  });
  return path;
}

function splitKeys(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)/g)].map(([, double, single, bare]) =>
    double ?? single ?? bare ?? ""
  );
}

function remember(found: Map<string, number>, path: TomlPath, line: number): void {
  if (!found.has(toKey(path))) found.set(toKey(path), line);
}

function toKey(path: TomlPath): string {
  return JSON.stringify(path);
}
