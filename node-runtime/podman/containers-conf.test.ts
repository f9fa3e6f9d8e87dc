import assert from "node:assert/strict";
import { test } from "node:test";
import { type HostFacts, renderContainersConf, renderRegistriesConf } from "./containers-conf.ts";
import { parseHardLimit, readHostFacts } from "./host-facts.ts";

const roomy: HostFacts = {
  cgroups: "v2",
  hasCrun: true,
  maxOpenFiles: undefined,
  maxProcesses: undefined,
  pidMax: 4_194_304,
  hasSystemd: true,
};

test("renderContainersConf() leaves runtime and managers to podman on an ordinary machine", () => {
  assert.equal(
    renderContainersConf(roomy),
    '[containers]\ndefault_ulimits = ["nofile=1048576:1048576", "nproc=4194304:4194304"]\n\n[engine]\n',
  );
});

test("renderContainersConf() stays within the limits of a restricted machine", () => {
  const restricted: HostFacts = {
    cgroups: "hybrid",
    hasCrun: true,
    maxOpenFiles: 20_000,
    maxProcesses: 96_365,
    pidMax: 32_768,
    hasSystemd: false,
  };
  assert.equal(
    renderContainersConf(restricted),
    [
      "[containers]",
      'default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]',
      "",
      "[engine]",
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      "",
    ].join("\n"),
  );
});

test("renderContainersConf() takes runc where crun is absent or control groups are old", () => {
  assert.match(renderContainersConf({ ...roomy, hasCrun: false }), /runtime = "runc"/);
  assert.match(renderContainersConf({ ...roomy, cgroups: "v1" }), /runtime = "runc"/);
  assert.match(renderContainersConf({ ...roomy, maxProcesses: 100 }), /nproc=100:100/);
});

test("renderRegistriesConf() maps a registry to its loopback listener, or nothing", () => {
  assert.equal(renderRegistriesConf(), "unqualified-search-registries = []\n");
  const conf = renderRegistriesConf({ name: "mcr.svc.mcp.localhost:8443", location: "127.0.0.1:5000" });
  assert.match(
    conf,
    /\[\[registry\]\]\nprefix = "mcr\.svc\.mcp\.localhost:8443"\nlocation = "127\.0\.0\.1:5000"\ninsecure = true\n$/,
  );
});

test("parseHardLimit() reads the hard limit, and no limit", () => {
  const text =
    "Limit    Soft Limit   Hard Limit   Units\nMax processes   10   unlimited   processes\nMax open files   5   20000   files\n";
  assert.equal(parseHardLimit(text, "Max open files"), 20_000);
  assert.equal(parseHardLimit(text, "Max processes"), undefined);
  assert.equal(parseHardLimit(text, "Max locks"), undefined);
});

test("readHostFacts() describes this machine", () => {
  assert.ok(readHostFacts().pidMax > 0);
});
