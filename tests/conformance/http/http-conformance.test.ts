import { test } from "node:test";
import { backendAt, openTestProxy, routeTo } from "../../../edge-proxy/testing/open-test-proxy.ts";
import { targetOf } from "../../../edge-proxy/testing/target-of.ts";
import { checkCase } from "./check-case.ts";
import { caseHost } from "./conformance-case.ts";
import { corpus } from "./corpus.ts";
import { startRecordingBackend } from "./recording-backend.ts";

for (const [group, cases] of Object.entries(corpus)) {
  test(`HTTP/1.1 corpus: ${group}`, { timeout: 120_000 }, async (t) => {
    await using backend = await startRecordingBackend();
    await using proxy = await openTestProxy();
    await proxy.serve(routeTo(caseHost, "l7", backendAt(backend.port)));
    const setting = { target: targetOf(proxy, caseHost), backend };
    for (const expected of cases) {
      await t.test(`${expected.rule}: ${expected.name}`, () => checkCase(setting, expected));
    }
    await t.test("S12: all of them in pieces of 3 bytes", async () => {
      for (const expected of cases) await checkCase({ ...setting, pieceBytes: 3 }, expected);
    });
  });
}
