import assert from "node:assert/strict";
import { test } from "node:test";
import { createHoldings } from "./holdings.ts";

test("hold() waits until the route is free, first come first served, and others wait on", async () => {
  const holdings = createHoldings();
  const order: string[] = [];
  const held = ["1", "2", "3"].map((name) => holdings.hold("a", 60).then((end) => order.push(`${name} ${end}`)));
  const stop = new AbortController();
  const other = holdings.hold("b", 60, stop.signal);
  assert.equal(holdings.count(), 4);
  holdings.release((key) => key === "a");
  await Promise.all(held);
  assert.deepEqual(order, ["1 changed", "2 changed", "3 changed"]);
  assert.equal(holdings.count(), 1);
  stop.abort();
  assert.equal(await other, "cancelled");
  assert.equal(holdings.count(), 0);
});

test("hold() ends when its time is over", async () => {
  const holdings = createHoldings();
  assert.equal(await holdings.hold("a", 0.01), "expired");
  assert.equal(holdings.count(), 0);
});

test("hold() has room for so many, and again when one has gone", async () => {
  const holdings = createHoldings({ maxHeld: 2 });
  const stop = new AbortController();
  const first = holdings.hold("a", 60, stop.signal);
  const second = holdings.hold("b", 60);
  assert.equal(await holdings.hold("c", 60), "full");
  stop.abort();
  assert.equal(await first, "cancelled");
  const third = holdings.hold("c", 60);
  holdings.release(() => true);
  assert.deepEqual(await Promise.all([second, third]), ["changed", "changed"]);
});

test("hold() does not wait for a client that has left", async () => {
  const holdings = createHoldings();
  assert.equal(await holdings.hold("a", 60, AbortSignal.abort()), "cancelled");
  assert.equal(holdings.count(), 0);
});
