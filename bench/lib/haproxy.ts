import { writeFile } from "node:fs/promises";
import { type Background, cores, startBackground } from "./processes.ts";

const defaults = `global
  nbthread 1
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  timeout connect 5s
  timeout client 600s
  timeout server 600s
`;

/** Starts HAProxy with one thread on `frontend` and `backend` sections. */
export async function startHaproxy(haproxy: string, path: string, sections: string): Promise<Background> {
  await writeFile(path, defaults + sections);
  return startBackground(haproxy, ["-q", "-f", path], { core: cores.server });
}
