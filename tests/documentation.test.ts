import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ServiceDefinition } from "#shared/contract/definition.ts";
import { parseToml } from "#shared/mcdsl/toml.ts";

const root = join(import.meta.dirname, "..");
const folders = "{docs,shared,handlers,edge-proxy,node-runtime,cli,web,infra,bench,tests}";
const pages = [...globSync("*.md", { cwd: root }), ...globSync(`${folders}/**/*.md`, { cwd: root })];
const textOf = (page: string) => readFileSync(join(root, page), "utf8");

/** The anchor that a heading gets where Markdown is shown. */
function slugOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\- _]/gu, "").trim().replaceAll(" ", "-");
}

function deadLinks(page: string): string[] {
  const text = textOf(page).replaceAll(/```[\s\S]*?```/g, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target)).filter((target) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(root, file))) return true;
    if (anchor === undefined) return false;
    const headings = [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => slugOf(heading));
    return !headings.includes(anchor);
  });
}

test("documentation: links between pages lead somewhere", () => {
  assert.ok(pages.length > 15);
  assert.deepEqual(pages.flatMap((page) => deadLinks(page).map((target) => `${page}: ${target}`)), []);
});

test("documentation: service definitions in pages are valid", () => {
  const definitions = pages.flatMap((page) =>
    [...textOf(page).matchAll(/```toml\n([\s\S]*?)```/g)]
      .map(([, toml = ""]) => ({ page, toml }))
      .filter(({ toml }) => toml.includes("[[components]]"))
  );
  assert.ok(definitions.length >= 2);
  for (const { page, toml } of definitions) {
    const parsed = ServiceDefinition.safeParse(parseToml(toml, page));
    assert.ok(parsed.success, `${page}: ${parsed.error?.message}`);
  }
});
