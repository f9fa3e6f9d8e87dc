import assert from "node:assert/strict";
import { test } from "node:test";
import { inheritedSockets } from "./inherited-sockets.ts";

test("inheritedSockets() gives the descriptors that are meant for this process", () => {
  const env = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "proxy:http" };
  assert.deepEqual(inheritedSockets(env, 7), [{ fd: 3, name: "proxy" }, { fd: 4, name: "http" }]);
  assert.deepEqual(inheritedSockets({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7), [{ fd: 3, name: "" }]);
  for (
    const env of [
      {},
      { LISTEN_FDS: "1" },
      { LISTEN_PID: "8", LISTEN_FDS: "1" },
      { LISTEN_PID: "7", LISTEN_FDS: "0" },
      { LISTEN_PID: "7", LISTEN_FDS: "-1" },
      { LISTEN_PID: "7", LISTEN_FDS: "x" },
      { LISTEN_PID: "7", LISTEN_FDS: "100000" },
    ]
  ) assert.deepEqual(inheritedSockets(env, 7), []);
});
