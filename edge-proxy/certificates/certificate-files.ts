import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "#shared/store/atomic-file.ts";
import type { TlsMaterial } from "../tls/host-servers.ts";

/** The certificates of a node on its disk. */
export interface CertificateFiles {
  /** What a crash may have left for `hostname`, newest first; usually one pair. */
  candidates(hostname: string): Promise<TlsMaterial[]>;
  /** Keeps a pair as `<hostname>.pem` and `<hostname>.key`, both 0600. */
  save(hostname: string, material: TlsMaterial): Promise<void>;
  /** Removes the pair; nothing happens when there is none. */
  remove(hostname: string): Promise<void>;
}

/**
 * Certificates in `folder`. Key and chain are two files that no file system replaces in one step: the new key is written beside
 * the old one first, so that after a crash between the two renames one of the candidates is a pair.
 */
export function createCertificateFiles(folder: string): CertificateFiles {
  const pathOf = (hostname: string, suffix: string) => join(folder, `${hostname}.${suffix}`);
  return {
    async candidates(hostname) {
      const read = (suffix: string) => readFile(pathOf(hostname, suffix), "utf8").catch(() => undefined);
      const [chainPem, ...keys] = await Promise.all([read("pem"), read("key.new"), read("key")]);
      if (chainPem === undefined) return [];
      return keys.filter((keyPem) => keyPem !== undefined).map((keyPem) => ({ chainPem, keyPem }));
    },
    async save(hostname, material) {
      await writeFileAtomically(pathOf(hostname, "key.new"), material.keyPem);
      await writeFileAtomically(pathOf(hostname, "pem"), material.chainPem);
      await rename(pathOf(hostname, "key.new"), pathOf(hostname, "key"));
    },
    async remove(hostname) {
      for (const suffix of ["key", "key.new", "pem"]) await rm(pathOf(hostname, suffix), { force: true });
    },
  };
}
