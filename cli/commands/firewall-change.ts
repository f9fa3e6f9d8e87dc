import { z } from "zod";
import type { FirewallChange } from "#shared/contract/edge-views.ts";
import { CountryCode } from "#shared/contract/firewall.ts";
import { AddressBlock } from "#shared/contract/route.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import { parseRate } from "../definitions/read-stored-route.ts";
import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import { argumentAt, type Cli, type CommandInput, textOption } from "../world.ts";

interface Change {
  readonly body: Partial<FirewallChange>;
  /** What was done, as in `Blocked 192.0.2.1`. */
  readonly done: string;
}

/** Refuses an address or a block of them. */
export async function firewallBlock(cli: Cli, input: CommandInput): Promise<void> {
  const block = addressOf(input);
  await change(cli, input, { body: { block: [block] }, done: `Blocked ${block}` });
}

/** Takes an address or a block of them off the list of those that are refused. */
export async function firewallUnblock(cli: Cli, input: CommandInput): Promise<void> {
  const block = addressOf(input);
  await change(cli, input, { body: { unblock: [block] }, done: `Unblocked ${block}` });
}

/** Never refuses an address or a block of them. */
export async function firewallAllow(cli: Cli, input: CommandInput): Promise<void> {
  const block = addressOf(input);
  await change(cli, input, { body: { allow: [block] }, done: `Allowed ${block}` });
}

/** Takes an address or a block of them off the list of those that are never refused. */
export async function firewallDisallow(cli: Cli, input: CommandInput): Promise<void> {
  const block = addressOf(input);
  await change(cli, input, { body: { disallow: [block] }, done: `${block} is no longer allowed to pass everything` });
}

/** Refuses a country. */
export async function firewallBlockCountry(cli: Cli, input: CommandInput): Promise<void> {
  const country = countryOf(input);
  await change(cli, input, { body: { blockCountries: [country] }, done: `Blocked ${country}` });
}

/** Refuses a country no longer. */
export async function firewallUnblockCountry(cli: Cli, input: CommandInput): Promise<void> {
  const country = countryOf(input);
  await change(cli, input, { body: { unblockCountries: [country] }, done: `Unblocked ${country}` });
}

/** Limits the connections of one client. */
export async function firewallLimit(cli: Cli, input: CommandInput): Promise<void> {
  const connections = textOption(input, "connections");
  const open = textOption(input, "open");
  if (connections === undefined && open === undefined) {
    throw new PlatformError("invalid-usage", "Cannot limit nothing: expected --connections or --open");
  }
  const body: Partial<FirewallChange> = {
    ...(connections === undefined ? {} : { connectionLimit: parseConnections(connections) }),
    ...(open === undefined ? {} : { maxConnectionsPerAddress: parseOpen(open) }),
  };
  const parts = [
    ...(connections === undefined ? [] : [`new connections ${connections}`]),
    ...(open === undefined ? [] : [`open connections ${open}`]),
  ];
  await change(cli, input, { body, done: `Limited a client: ${parts.join(", ")}` });
}

/** Only counts, or refuses. */
export async function firewallShadow(cli: Cli, input: CommandInput): Promise<void> {
  const state = argumentAt(input, 0);
  const values: Readonly<Record<string, boolean | null>> = { on: true, off: false, default: null };
  const shadow = Object.hasOwn(values, state) ? values[state] : undefined;
  if (shadow === undefined) {
    throw new PlatformError(
      "invalid-usage",
      `Cannot use "${state}": it is no state, expected one of: on, off, default`,
    );
  }
  const done = { on: "Only counting what would be refused", off: "Refusing", default: "Doing as all nodes do" };
  await change(cli, input, {
    body: { shadow },
    done: Object.entries(done).find(([name]) => name === state)?.[1] ?? "",
  });
}

async function change(cli: Cli, input: CommandInput, { body, done }: Change): Promise<void> {
  using platform = await connect(cli);
  const node = textOption(input, "node");
  const query = node === undefined ? {} : { node };
  const { changed } = await platform.mcp.changeFirewall({ query, body, signal: cli.interrupt });
  const where = node === undefined ? "on all nodes" : `on ${node}`;
  printData(
    cli,
    { node: node ?? null, changed },
    () => changed ? `${done} ${where}\n` : `It was so already ${where}\n`,
  );
}

function addressOf(input: CommandInput): string {
  const text = argumentAt(input, 0);
  if (AddressBlock.safeParse(text).success) return text;
  throw new PlatformError(
    "invalid-usage",
    `Cannot use "${text}": it is no address, expected an IP address or a CIDR block such as 192.0.2.0/24`,
  );
}

function countryOf(input: CommandInput): string {
  const text = argumentAt(input, 0).toUpperCase();
  if (CountryCode.safeParse(text).success) return text;
  throw new PlatformError(
    "invalid-usage",
    `Cannot use "${argumentAt(input, 0)}": it is no country, expected two letters of ISO 3166-1 such as DE`,
  );
}

function parseConnections(text: string): NonNullable<FirewallChange["connectionLimit"]> | null {
  if (text === "none") return null;
  const { count, window } = parseRate(text, "--connections");
  const windowSeconds = DurationMs.parse(window) / 1_000;
  if (
    count >= 1 && count <= 1_000_000 && Number.isInteger(windowSeconds) && windowSeconds >= 1 && windowSeconds <= 86_400
  ) {
    return { count, windowSeconds };
  }
  throw new PlatformError(
    "invalid-usage",
    `Cannot use --connections "${text}": it is out of range, expected 1 to 1000000 in whole seconds up to 24h`,
  );
}

function parseOpen(text: string): number | null {
  if (text === "none") return null;
  const parsed = z.coerce.number().int().min(1).max(1_000_000).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new PlatformError(
    "invalid-usage",
    `Cannot use --open "${text}": it is no count, expected 1 to 1000000, or none`,
  );
}
