import { isIP } from "node:net";
import { resolve } from "node:path";
import { HostName, Label, Port } from "#shared/contract/names.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";

/** What the operator may choose about a platform on this machine. */
export interface UpOptions {
  /** Absolute folder of everything that the platform keeps. */
  readonly folder: string;
  readonly domain: string;
  /** Name of the node that this machine becomes. */
  readonly node: string;
  /** Address of the proxy and the name server. */
  readonly address: string;
  readonly proxyPort: number;
  readonly dnsPort: number;
  /** `undefined` prefers 8440 and takes any free one. */
  readonly apiPort: number | undefined;
}

/** The choices as typed; each has a default. */
export interface UpFlags {
  readonly dir?: string | undefined;
  readonly domain?: string | undefined;
  readonly node?: string | undefined;
  readonly address?: string | undefined;
  readonly proxyPort?: string | undefined;
  readonly dnsPort?: string | undefined;
  readonly apiPort?: string | undefined;
}

/** Port of the API when nobody chose one. */
export const preferredApiPort = 8440;

/**
 * The options in what was typed.
 *
 * @throws {PlatformError} invalid-usage — with the flag, its value and what is expected
 */
export function parseUpFlags(flags: UpFlags): UpOptions {
  const options: UpOptions = {
    folder: resolve(flags.dir ?? ".mc"),
    domain: parseWith(HostName, "--domain", flags.domain ?? "mcp.localhost"),
    node: parseWith(Label, "--node", flags.node ?? "local"),
    address: parseAddress(flags.address ?? "127.0.0.1"),
    proxyPort: parsePort("--proxy-port", flags.proxyPort ?? "8443"),
    dnsPort: parsePort("--dns-port", flags.dnsPort ?? "5300"),
    apiPort: flags.apiPort === undefined ? undefined : parsePort("--api-port", flags.apiPort),
  };
  assertDifferentPorts(options);
  return options;
}

function assertDifferentPorts({ proxyPort, dnsPort, apiPort }: UpOptions): void {
  const flags = [["--proxy-port", proxyPort], ["--dns-port", dnsPort], ["--api-port", apiPort]] as const;
  flags.forEach(([flag, port], index) => {
    const earlier = flags.slice(0, index).find(([, other]) => other === port);
    if (port === undefined || earlier === undefined) return;
    throw new PlatformError(
      "invalid-usage",
      `Cannot use ${flag} "${port}": ${earlier[0]} has it, expected another port`,
    );
  });
}

function parsePort(flag: string, text: string): number {
  return parseWith(Port, flag, /^\d{1,5}$/.test(text) ? Number(text) : text, "expected a port from 1 to 65535");
}

function parseAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new PlatformError("invalid-usage", `Cannot use --address "${text}": expected an IP address of this machine`);
}

interface Parser<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: readonly { message: string }[] } };
}

function parseWith<T>(schema: Parser<T>, flag: string, value: string | number, expected?: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reason = expected ?? parsed.error.issues[0]?.message ?? "expected another value";
  throw new PlatformError("invalid-usage", `Cannot use ${flag} "${value}": ${reason}`);
}
