// Writes the reference pages from what they describe; with --check it only says which are not up to date, and fails.
import { join } from "node:path";
import process from "node:process";
import { createPages } from "./docs/pages.ts";
import { listStalePages, updatePages } from "./docs/update-pages.ts";

const folder = join(import.meta.dirname, "..", "docs");

if (process.argv.includes("--check")) {
  for (const name of await listStalePages(folder, createPages())) {
    process.exitCode = 1;
    process.stderr.write(`docs/${name} is not up to date: run "npx node infra/generate-docs.ts"\n`);
  }
} else {
  for (const name of await updatePages(folder, createPages())) process.stdout.write(`docs/${name}\n`);
}
