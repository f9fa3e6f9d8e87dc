import assert from "node:assert/strict";
import { test } from "node:test";
import { renderContainersConf } from "./podman-config.ts";

test("renderContainersConf() never asks for more than the kernel gives", () => {
  assert.match(
    renderContainersConf({ openFiles: 1e9, processes: 1e9, pidMax: 1e9 }),
    /"nofile=20000:20000", "nproc=32768:32768"/,
  );
  assert.match(
    renderContainersConf({ openFiles: 1024, processes: 1e9, pidMax: 4096 }),
    /"nofile=1024:1024", "nproc=4096:4096"/,
  );
});
