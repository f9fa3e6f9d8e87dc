import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "../log/log.ts";
import { auditMigration, listAudit } from "./audit.ts";
import { createAuditor, strangerBurst } from "./auditor.ts";
import { openTemporaryDatabase } from "./temporary-database.ts";

const refusal = {
  at: "2026-01-01",
  actor: null,
  action: "service.list",
  resource: "/v1/services",
  outcome: "denied",
  code: "unauthenticated",
  requestId: "r",
  clientIp: "192.0.2.1",
} as const;

async function openAuditor() {
  const database = await openTemporaryDatabase([auditMigration]);
  const lines: string[] = [];
  let nowMs = 1_000_000;
  return {
    audit: createAuditor(database, {
      now: () => new Date(nowMs),
      log: createLog({ system: "test", write: (line) => void lines.push(line) }),
    }),
    lines,
    advanceClock: (ms: number) => void (nowMs += ms),
    list: () => listAudit(database, { limit: 1_000 }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

test("createAuditor() writes a burst of strangers' refusals, then one a second, and logs how many it left out", async () => {
  await using auditor = await openAuditor();
  for (let count = 0; count < strangerBurst + 50; count += 1) await auditor.audit(refusal);
  assert.equal((await auditor.list()).length, strangerBurst);
  auditor.advanceClock(1_000);
  await auditor.audit(refusal);
  await auditor.audit(refusal);
  assert.equal((await auditor.list()).length, strangerBurst + 1);
  assert.ok(auditor.lines.some((line) => JSON.parse(line).leftOut === 50));
});

test("createAuditor() writes what accounts do, and what strangers succeed in, whatever strangers try", async () => {
  await using auditor = await openAuditor();
  for (let count = 0; count < strangerBurst + 1; count += 1) await auditor.audit(refusal);
  await auditor.audit({ ...refusal, actor: "alice" });
  await auditor.audit({ ...refusal, action: "auth.login", outcome: "allowed", code: null });
  const [login, denial] = await auditor.list();
  assert.deepEqual([login?.action, denial?.actor], ["auth.login", "alice"]);
});

test("createAuditor() cuts a stranger's resource, and gives nothing for a clock that went back", async () => {
  await using auditor = await openAuditor();
  await auditor.audit({ ...refusal, resource: "/".repeat(10_000) });
  assert.equal((await auditor.list())[0]?.resource.length, 512);
  for (let count = 0; count < strangerBurst; count += 1) await auditor.audit(refusal);
  auditor.advanceClock(-3_600_000);
  await auditor.audit(refusal);
  assert.equal((await auditor.list()).length, strangerBurst);
  auditor.advanceClock(1_000);
  await auditor.audit(refusal);
  assert.equal((await auditor.list()).length, strangerBurst + 1);
});
