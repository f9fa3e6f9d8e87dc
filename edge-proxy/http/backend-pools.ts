import { Agent } from "node:http";
import type { Backend } from "#shared/contract/route.ts";
import { backendKey } from "../routes.ts";

/** Keep-alive connections to backends. */
export interface BackendPools {
  /** The pool of a backend. */
  agent(backend: Backend): Agent;
  /** Keeps only the pools of `keys`: idle connections of the others close now, busy ones when their request ends. */
  retain(keys: ReadonlySet<string>): void;
}

/** Pools whose idle connections close after `idleMs`, or sooner when the backend says so (`Keep-Alive: timeout`). */
export function createBackendPools(options: { readonly idleMs: number }): BackendPools {
  const agents = new Map<string, Agent>();
  return {
    agent(backend) {
      const key = backendKey(backend);
      const known = agents.get(key);
      if (known !== undefined) return known;
      const agent = new Agent({ keepAlive: true, timeout: options.idleMs });
      agents.set(key, agent);
      return agent;
    },
    retain(keys) {
      for (const [key, agent] of agents) {
        if (keys.has(key)) continue;
        agents.delete(key);
        agent.maxFreeSockets = 0;
        for (const sockets of Object.values(agent.freeSockets)) sockets?.forEach((socket) => socket.destroy());
      }
    },
  };
}
