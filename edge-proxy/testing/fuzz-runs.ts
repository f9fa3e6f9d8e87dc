import process from "node:process";

/** How many inputs a fuzz test tries: 100,000 unless the environment variable `FUZZ_RUNS` says more, or less. */
export const fuzzRuns = Number(process.env["FUZZ_RUNS"] ?? 100_000);
