import assert from "node:assert/strict";
import { test } from "node:test";
import { PlatformError } from "#shared/errors/platform-error.ts";
import { parseBenchArguments } from "./options.ts";

test("parseBenchArguments() measures thoroughly on Node unless told", () => {
  assert.deepEqual(parseBenchArguments(["proxy-l7"]), {
    name: "proxy-l7",
    options: { isQuick: false, isJson: false, rounds: 5, runtime: "node", isProfiled: false, requests: 1_000_000 },
  });
});

test("parseBenchArguments() takes each option", () => {
  const { options } = parseBenchArguments([
    "--quick",
    "proxy-l4",
    "--json",
    "--runtime=deno",
    "--rounds",
    "7",
    "--requests=100",
  ]);
  assert.deepEqual(options, {
    isQuick: true,
    isJson: true,
    rounds: 7,
    runtime: "deno",
    isProfiled: false,
    requests: 100,
  });
  assert.equal(parseBenchArguments(["proxy-l4", "--quick"]).options.rounds, 1);
  assert.equal(parseBenchArguments(["proxy-l4", "--profile"]).options.isProfiled, true);
});

test("parseBenchArguments() refuses what it cannot use", () => {
  const refused = [
    ["x", "--rounds", "0"],
    ["x", "--rounds", "many"],
    ["x", "--requests", "1.5"],
    ["x", "--runtime", "bun"],
    ["x", "--fast"],
    ["x", "y"],
    ["x", "--profile", "--runtime", "deno"],
  ];
  for (const args of refused) {
    assert.throws(
      () => parseBenchArguments(args),
      (error) => error instanceof PlatformError && error.code === "invalid-usage",
      args.join(" "),
    );
  }
});
