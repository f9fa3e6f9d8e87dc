import { readFile } from "node:fs/promises";
import { type ContractClient, createClient, type Fetch } from "#shared/contract/client.ts";
import { mciasContract } from "#shared/contract/mcias.ts";
import { mcpContract } from "#shared/contract/mcp.ts";
import { mcrContract } from "#shared/contract/mcr.ts";
import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Cli } from "../world.ts";
import { type CliConfig, loadCliConfig } from "./config.ts";
import { createNodeFetch } from "./node-fetch.ts";
import { readToken, writeToken } from "./token-file.ts";
import { isPastHalfLife } from "./token-life.ts";

/** The platform as the commands see it: typed clients of its systems, all on one origin. */
export interface Platform extends Disposable {
  readonly config: CliConfig;
  readonly apiUrl: string;
  readonly mcp: ContractClient<typeof mcpContract>;
  readonly mcias: ContractClient<typeof mciasContract>;
  readonly mcr: ContractClient<typeof mcrContract>;
  /** MCIAS without a token, for logging in. */
  readonly anonymousMcias: ContractClient<typeof mciasContract>;
  /**
   * The operator's token, renewed when more than half of its life is over.
   *
   * @throws {PlatformError} unauthenticated — when nobody is logged in
   */
  token(): Promise<string>;
}

/**
 * The clients for the configured origin. Nothing is sent yet.
 *
 * @throws {PlatformError} invalid-config — when no origin is configured or its CA cannot be read
 */
export async function connect(cli: Cli): Promise<Platform> {
  const config = await loadCliConfig(cli);
  const { apiUrl } = config;
  if (apiUrl === undefined) {
    throw new PlatformError(
      "invalid-config",
      `Cannot reach the platform: "${config.path}" names no address, expected url in [api] or $MCP_API_URL`,
    );
  }
  const http = cli.fetch === undefined ? createNodeFetch(await readCa(config)) : undefined;
  const fetch: Fetch = cli.fetch ?? http?.fetch ?? globalThis.fetch;
  const anonymousMcias = createClient(mciasContract, { fetch, baseUrl: apiUrl });
  const token = createTokenSource({ cli, config, fetch, apiUrl });
  const options = { fetch, baseUrl: apiUrl, token };
  return {
    config,
    apiUrl,
    mcp: createClient(mcpContract, options),
    mcias: createClient(mciasContract, options),
    mcr: createClient(mcrContract, options),
    anonymousMcias,
    token,
    [Symbol.dispose]: () => http?.[Symbol.dispose](),
  };
}

async function readCa({ caPath }: CliConfig): Promise<{ ca?: string }> {
  if (caPath === undefined) return {};
  const ca = await readFile(caPath, "utf8").catch((cause: unknown) => {
    throw new PlatformError(
      "invalid-config",
      `Cannot read the CA "${caPath}": it is not readable, expected a PEM file as ca_cert in [api]`,
      { cause },
    );
  });
  return { ca };
}

interface TokenSource {
  readonly cli: Cli;
  readonly config: CliConfig;
  readonly fetch: Fetch;
  readonly apiUrl: string;
}

/** The file is read for each request: another `mcp` may have renewed the token meanwhile. */
function createTokenSource({ cli, config, fetch, apiUrl }: TokenSource): () => Promise<string> {
  let mayRenew = true;
  return async () => {
    const token = await readToken(config.tokenPath);
    if (token === undefined) {
      throw new PlatformError(
        "unauthenticated",
        `Cannot ask ${apiUrl}: nobody is logged in, expected a token in "${config.tokenPath}"`,
      );
    }
    if (!mayRenew || !isPastHalfLife(token, cli.now())) return token;
    mayRenew = false;
    const mcias = createClient(mciasContract, { fetch, baseUrl: apiUrl, token: () => token, timeoutMs: 5_000 });
    // A refusal is no reason to stop: the token lives on, and the request itself tells what is wrong.
    const renewed = await mcias.renew({}).catch(() => undefined);
    if (renewed === undefined) return token;
    await writeToken(config.tokenPath, renewed.token);
    return renewed.token;
  };
}
