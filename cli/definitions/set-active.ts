import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";

/**
 * The text of a definition with `active` set; all else stays as it was written, comments included.
 *
 * @throws {PlatformError} invalid-definition — when the text cannot be changed safely
 */
export function setActive(text: string, isActive: boolean, path: string): string {
  const wasActive = parseToml(text, path)["active"] ?? true;
  if (wasActive === isActive) return text;
  const changed = changeLine(text, isActive);
  if ((parseToml(changed, path)["active"] ?? true) !== isActive) {
    throw new PlatformError(
      "invalid-definition",
      `Cannot set active in "${path}": its line is not found, expected "active = ${!isActive}"`,
    );
  }
  return changed;
}

function changeLine(text: string, isActive: boolean): string {
  const lines = text.split("\n");
  const firstHeader = lines.findIndex((line) => /^\s*\[/.test(line));
  const top = firstHeader === -1 ? lines : lines.slice(0, firstHeader);
  const at = top.findIndex((line) => /^\s*"?active"?\s*=/.test(line));
  if (at !== -1) {
    lines[at] = (lines[at] ?? "").replace(/(=\s*)(true|false)/, `$1${isActive}`);
    return lines.join("\n");
  }
  const after = top.findLastIndex((line) => /^\s*(node|name)\s*=/.test(line));
  lines.splice(after + 1, 0, `active = ${isActive}`);
  return lines.join("\n");
}
