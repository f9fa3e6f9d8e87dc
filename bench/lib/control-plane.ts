import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { z } from "zod";
import { ProxyReport } from "#shared/contract/state.ts";
import { type FeedFrame, mixDigest } from "#shared/feed/frame.ts";
import { encodeCbor, encodeFrame } from "#shared/wire/cbor.ts";

/** As much of a control plane as a proxy needs: a token, a feed of routes, and somebody who takes its reports. */
export interface BenchControlPlane extends AsyncDisposable {
  /** The section `control_plane` of the proxy's configuration. */
  readonly config: Readonly<Record<string, string>>;
  /** The newest revision that was published. */
  readonly revision: number;
  /** The newest revision that the proxy has said to have applied. */
  readonly appliedRevision: number;
  /** Publishes one change of one entry. */
  publish(key: string, value: unknown): void;
}

/**
 * Serves the topic of routes from `snapshot` on, without a database: what is measured is the proxy. It follows the wire of MCP and
 * MCIAS, so that the proxy is started from its configuration as it is on a node.
 */
export async function startControlPlane(snapshot: FeedFrame, folder: string): Promise<BenchControlPlane> {
  const values = new Map(snapshot.entries);
  const streams = new Set<ServerResponse>();
  let { revision, digest } = snapshot;
  let appliedRevision = 0;
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://control.test");
    if (pathname.endsWith("/stream")) return follow(response, Number(searchParams.get("since")));
    const body = await readText(request);
    response.setHeader("content-type", "application/json");
    if (pathname.endsWith("/report")) {
      appliedRevision = ProxyReport.parse(JSON.parse(body)).appliedRevision;
      response.writeHead(204).end();
    } else {
      response.end(JSON.stringify({ access_token: "bench", token_type: "Bearer", expires_in: 3600 }));
    }
  }

  function follow(response: ServerResponse, since: number): void {
    response.writeHead(200, { "content-type": "application/cbor-seq" });
    const entries = since === revision ? [] : [...values];
    response.write(encodeFrame({ kind: since === revision ? "delta" : "snapshot", revision, digest, entries }));
    streams.add(response);
    response.once("close", () => streams.delete(response));
  }

  server.listen({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = z.object({ port: z.int() }).parse(server.address());
  const identityPath = join(folder, "identity.json");
  await writeIdentity(identityPath);
  const origin = `http://127.0.0.1:${port}`;
  return {
    config: { mcp_url: origin, metacrypt_url: origin, mcias_url: origin, identity_path: identityPath },
    get revision() {
      return revision;
    },
    get appliedRevision() {
      return appliedRevision;
    },
    publish(key, value) {
      const bytes = encodeCbor(value);
      const old = values.get(key);
      if (old) digest = mixDigest(digest, key, old);
      digest = mixDigest(digest, key, bytes);
      values.set(key, bytes);
      revision += 1;
      const frame = encodeFrame({ kind: "delta", revision, digest, entries: [[key, bytes]] });
      for (const stream of streams) stream.write(frame);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function writeIdentity(path: string): Promise<void> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const identity = { name: "local", issuer: "bench", privateKey: await exportJWK(privateKey) };
  await writeFile(path, JSON.stringify(identity), { mode: 0o600 });
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
