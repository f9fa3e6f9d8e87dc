import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "#shared/log/log.ts";
import { createAcmeSource } from "./acme/acme-source.ts";
import { type ChallengeResponder, createChallengeResponder } from "./acme/challenge-responder.ts";
import type { CertificateKeeperOptions } from "./certificates/certificate-keeper.ts";
import { watchSuppliedCertificates } from "./certificates/supplied-certificates.ts";
import type { ProxyConfig } from "./config.ts";
import type { DataPlane } from "./data-plane.ts";

/** Certificates that are not from the platform's CA. */
export interface OtherCertificates extends AsyncDisposable {
  readonly sources: Pick<CertificateKeeperOptions, "acme" | "supplied">;
  /** Answer to a challenge by HTTP at this path. */
  readonly answer: ChallengeResponder["answer"];
  /** Lets a data plane answer challenges by TLS. */
  answerWith(plane: Pick<DataPlane, "challenge">): void;
}

/** The operator's files and the public CA of a configuration, if it has them. */
export async function openOtherCertificates(
  config: Pick<ProxyConfig, "acme" | "suppliedCertificates" | "folder">,
  { log, rootsPem = () => Promise.resolve(undefined) }: {
    readonly log: Log;
    readonly rootsPem?: () => Promise<string | undefined>;
  },
): Promise<OtherCertificates> {
  const { acme, suppliedCertificates = [] } = config;
  const byHttp = createChallengeResponder({ handshakeMs: 10_000 });
  let plane: Pick<DataPlane, "challenge"> | undefined;
  const supplied = suppliedCertificates.length === 0
    ? undefined
    : await watchSuppliedCertificates({ pairs: suppliedCertificates, rootsPem, now: () => new Date(), log });
  const readPem = async (file: string | undefined) => file === undefined ? undefined : await readFile(file, "utf8");
  const [caPem, acmeRootsPem] = await Promise.all([readPem(acme?.caFile), readPem(acme?.rootsFile)]);
  const source = acme && createAcmeSource({
    ...acme,
    accountKeyPath: join(config.folder, "acme", "account.key"),
    ...(caPem === undefined ? {} : { caPem }),
    ...(acmeRootsPem === undefined ? {} : { rootsPem: acmeRootsPem }),
    board: {
      present: async (challenge) =>
        challenge.type === "http-01" ? byHttp.present(challenge) : await plane?.challenge("present", challenge),
      withdraw: async (challenge) =>
        challenge.type === "http-01" ? byHttp.withdraw(challenge) : await plane?.challenge("withdraw", challenge),
    },
  });
  return {
    sources: { ...(source === undefined ? {} : { acme: source }), ...(supplied === undefined ? {} : { supplied }) },
    answer: byHttp.answer,
    answerWith: (given) => void (plane = given),
    async [Symbol.asyncDispose]() {
      await supplied?.[Symbol.asyncDispose]();
    },
  };
}
