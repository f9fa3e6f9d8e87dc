import assert from "node:assert/strict";
import { test } from "node:test";
import { createConnectionCaps, type Place } from "./connection-caps.ts";

function enter(caps: ReturnType<typeof createConnectionCaps>, address: string): Place {
  const place = caps.enter(address);
  assert.ok(typeof place === "object", String(place));
  return place;
}

test("LIM7: createConnectionCaps() bounds all connections, and frees each place once", () => {
  const caps = createConnectionCaps({ connections: 2, connectionsPerAddress: 9, handshakes: 9 });
  const first = enter(caps, "192.0.2.1");
  enter(caps, "192.0.2.2");
  assert.equal(caps.enter("192.0.2.3"), "connections");
  first.leave();
  first.leave();
  assert.deepEqual([caps.open(), caps.unsettled()], [1, 1]);
  enter(caps, "192.0.2.3");
  assert.equal(caps.enter("192.0.2.3"), "connections");
});

test("LIM7: createConnectionCaps() bounds those of one IPv4 address, and of one IPv6 /64", () => {
  const caps = createConnectionCaps({ connections: 9, connectionsPerAddress: 1, handshakes: 9 });
  const place = enter(caps, "192.0.2.1");
  assert.equal(caps.enter("192.0.2.1"), "connections_per_address");
  enter(caps, "192.0.2.2");
  enter(caps, "2001:db8::1");
  assert.equal(caps.enter("2001:db8::ffff:2"), "connections_per_address");
  enter(caps, "2001:db8:0:1::1");
  place.leave();
  enter(caps, "192.0.2.1");
});

test("LIM7: createConnectionCaps() bounds handshakes under way", () => {
  const caps = createConnectionCaps({ connections: 9, connectionsPerAddress: 9, handshakes: 1 });
  const place = enter(caps, "192.0.2.1");
  assert.equal(caps.enter("192.0.2.2"), "handshakes");
  place.settle();
  place.settle();
  const other = enter(caps, "192.0.2.2");
  place.leave();
  other.leave();
  assert.deepEqual([caps.open(), caps.unsettled()], [0, 0]);
});
