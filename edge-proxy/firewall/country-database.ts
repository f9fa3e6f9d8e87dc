import { readFile, stat } from "node:fs/promises";
import { Reader, type Response } from "mmdb-lib";
import { describeError, PlatformError } from "#shared/errors/platform-error.ts";
import type { Log } from "#shared/log/log.ts";

/** What {@link openCountryDatabase} needs. */
export interface CountryDatabaseOptions {
  /** Path of a MaxMind database (`.mmdb`) with countries. */
  readonly file: string;
  readonly log: Pick<Log, "info" | "error">;
  /** How often the file is looked at; 0 for never. 10 s unless given. */
  readonly checkMs?: number;
}

/** What is known of the database in use. */
export interface CountryDatabaseStatus {
  readonly file: string;
  /** When the database in use was made; `undefined` while there is none. */
  readonly builtAt: Date | undefined;
  /** Why the file as it is now is not in use. */
  readonly problem: string | undefined;
}

/** Countries of addresses. */
export interface CountryDatabase extends Disposable {
  /** The country of `address` (ISO 3166-1 alpha-2), if it is known. */
  countryOf(address: string): string | undefined;
  status(): CountryDatabaseStatus;
  /** Looks at the file now, and uses it if it changed and is sound. Never rejects. */
  refresh(): Promise<void>;
}

const maxFileBytes = 512 * 1024 * 1024;
/** Looked up in a new file before it is used. */
const probes = ["1.1.1.1", "8.8.8.8", "193.0.6.139", "223.255.255.255"];

/**
 * The database in `file`, followed when it changes: the new one is read and tried before it takes the place of the old one. While the
 * file is missing or broken the last good one stays in use; without any, no address has a country.
 */
export async function openCountryDatabase(options: CountryDatabaseOptions): Promise<CountryDatabase> {
  const { file, log, checkMs = 10_000 } = options;
  let reader: Reader<Response> | undefined;
  let problem: string | undefined;
  let seen = "";

  async function refresh(): Promise<void> {
    try {
      const { ino, size, mtimeMs } = await stat(file);
      const version = `${ino} ${size} ${mtimeMs}`;
      if (version === seen) return;
      reader = await loadDatabase(file, size);
      // Only now: what failed is tried again, since the reason may have been another one than the file.
      seen = version;
      problem = undefined;
      log.info("country database loaded", { file, builtAt: reader.metadata.buildEpoch });
    } catch (error) {
      seen = "";
      report(describeError(error));
    }
  }

  function report(text: string): void {
    if (text !== problem) {
      log.error("country database not loaded", { file, problem: text, keepsOld: reader !== undefined });
    }
    problem = text;
  }

  await refresh();
  const timer = checkMs === 0 ? undefined : setInterval(refresh, checkMs);
  timer?.unref();

  return {
    refresh,
    countryOf: (address) => reader === undefined ? undefined : lookUp(reader, address),
    status: () => ({ file, builtAt: reader?.metadata.buildEpoch, problem }),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function loadDatabase(file: string, size: number): Promise<Reader<Response>> {
  if (size > maxFileBytes) {
    throw new PlatformError("invalid-config", `Cannot use country database "${file}": it is ${size} bytes long`);
  }
  const bytes = await readFile(file);
  const reader = new Reader<Response>(bytes);
  const { nodeCount, nodeByteSize } = reader.metadata;
  if (nodeCount === 0 || nodeCount * nodeByteSize > bytes.length) {
    throw new PlatformError("invalid-config", `Cannot use country database "${file}": its search tree is cut off`);
  }
  if (!probes.some((address) => findCountry(reader.get(address)) !== undefined)) {
    throw new PlatformError(
      "invalid-config",
      `Cannot use country database "${file}": it knows no country, expected one by country`,
    );
  }
  return reader;
}

function lookUp(reader: Reader<Response>, address: string): string | undefined {
  try {
    return findCountry(reader.get(address));
  } catch {
    // Not an address, or of a family that the file does not hold: no country is known.
    return undefined;
  }
}

/** MaxMind's databases say `country.iso_code`, others `country_code`. */
function findCountry(found: unknown): string | undefined {
  if (typeof found !== "object" || found === null) return undefined;
  if (
    "country" in found && typeof found.country === "object" && found.country !== null && "iso_code" in found.country
  ) {
    return toCode(found.country.iso_code);
  }
  return "country_code" in found ? toCode(found.country_code) : undefined;
}

function toCode(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Z]{2}$/.test(value) ? value : undefined;
}
