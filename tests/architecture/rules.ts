import { basename } from "node:path/posix";
import { isForTests, type SourceFile, unitOf } from "./source-file.ts";

/** One rule of DESIGN.md's "who may import whom", or of the code style, that a scanner can decide. */
export interface Rule {
  /** What must hold. */
  readonly name: string;
  /** What is wrong in a file; nothing when it keeps the rule. */
  readonly check: (file: SourceFile) => readonly string[];
}

const composers = ["handlers", "infra", "bench", "tests"];
const partners: Readonly<Record<string, readonly string[]>> = { "node-runtime/agent": ["node-runtime/podman"] };

/** Files that may read the environment and arguments, and open things when they are loaded. */
function isProgram(path: string): boolean {
  return basename(path) === "main.ts" || /^(infra|bench|tests)\//.test(path) || isForTests(path);
}

function matches(text: string, patterns: Readonly<Record<string, RegExp>>): string[] {
  return Object.entries(patterns).filter(([, pattern]) => pattern.test(text)).map(([name]) => name);
}

/** All rules. */
export const rules: readonly Rule[] = [
  {
    name: "a unit imports itself and shared, shared imports itself",
    check({ path, imports }) {
      const unit = unitOf(path) ?? "";
      if (composers.includes(unit)) return [];
      const allowed = [unit, "shared", ...(partners[unit] ?? [])];
      return imports.filter((target) => !allowed.includes(unitOf(target) ?? "shared")).map((target) =>
        `imports ${target}`
      );
    },
  },
  {
    name: "nothing that runs imports what serves tests only",
    check: ({ path, imports }) =>
      isForTests(path)
        ? []
        : imports.filter((target) => unitOf(target) !== undefined && isForTests(target)).map((target) =>
          `imports ${target}`
        ),
  },
  {
    name: "domain folders are pure",
    check({ path, code, bare, imports }) {
      if (!path.includes("/domain/") || isForTests(path)) return [];
      const impure =
        /^(node:(fs|http|https|http2|child_process|process|os|dgram|tls|dns|timers|worker_threads)\b|hono\b|@hono\/|@libsql\/)/;
      return [
        ...imports.filter((target) => impure.test(target)).map((target) => `imports ${target}`),
        ...[...code.matchAll(/^import \{([^}]*)\} from "node:net"/gm)].flatMap(([, names = ""]) =>
          names.split(",").map((name) => name.trim()).filter((name) => name !== "" && !name.startsWith("isIP")).map((
            name,
          ) => `imports ${name}`)
        ),
        ...matches(bare, {
          "reads the clock": /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
          "draws at random":
            /\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bgetRandomValues\b|\bgenerateKeyPair/,
          "reads the environment": /\bprocess\./,
          "waits": /\bset(Timeout|Interval|Immediate)\(/,
        }),
      ];
    },
  },
  {
    name: "only main.ts and infra read environment and arguments",
    // Handing the whole environment on to a child process reads no setting from it.
    check: ({ path, bare }) =>
      isProgram(path) ? [] : matches(bare.replaceAll("...process.env", ""), {
        "reads process.env or process.argv": /\bprocess\.(env|argv)\b/,
      }),
  },
  {
    name: "loading a module opens nothing",
    check: ({ path, bare }) =>
      isProgram(path) ? [] : matches(bare, {
        "awaits at the top level": /^(?:(?:export )?const [^=\n]*= )?await /m,
        "opens a socket or a database at the top level":
          /^[^\s}].*\b(createServer|createSocket|connect|openDatabase|listen)\(.*\);$/m,
      }),
  },
  {
    name: "only start.ts and the composers open databases",
    check({ path, bare }) {
      const mayOpen = composers.includes(unitOf(path) ?? "") || basename(path) === "start.ts" || isForTests(path);
      return mayOpen || path === "shared/store/database.ts"
        ? []
        : matches(bare, { "opens a database": /(?<!function )\bopenDatabase\(/ });
    },
  },
  {
    name: "the source runs on Node and Deno alike",
    check: ({ bare }) => matches(bare, { "uses Deno.*": /\bDeno\./, "uses Bun.*": /\bBun\./ }),
  },
  {
    name: "dependencies come from package.json",
    check: ({ imports }) =>
      imports.filter((target) => /^(jsr|https?|npm|data):/.test(target)).map((target) => `imports ${target}`),
  },
  {
    name: "there are no barrels and no default exports",
    check: ({ path, bare }) => [
      ...(/^index\.tsx?$/.test(basename(path)) ? ["is an index file"] : []),
      ...matches(bare, {
        "exports everything of another file": /^export \* /m,
        "exports a default": /^export default\b/m,
      }),
    ],
  },
  {
    name: "a file has at most 400 code lines",
    check({ code }) {
      const count = code.split("\n").filter((line) => line.trim() !== "").length;
      return count > 400 ? [`has ${count} code lines`] : [];
    },
  },
  {
    name: "every export of shared and every exported function has a doc comment",
    check: ({ path, text }) => isForTests(path) && !path.startsWith("shared/") ? [] : undocumentedExports(path, text),
  },
  {
    name: "file names are kebab-case",
    check: ({ path }) =>
      /^[a-z0-9]+(-[a-z0-9]+)*(\.(podman|browser|property))?(\.test)?\.(ts|tsx|mjs)$/.test(basename(path))
        ? []
        : ["has another name"],
  },
];

const exported = /^export (?:async )?(function\*?|const|class|interface|type) (\w+)/;

function undocumentedExports(path: string, text: string): string[] {
  const lines = text.split("\n");
  const documented = new Set<string>();
  return lines.flatMap((line, index) => {
    const [, kind = "", name = ""] = exported.exec(line) ?? [];
    if (name === "" || (!path.startsWith("shared/") && !kind.startsWith("function"))) return [];
    const before = lines.slice(0, index).findLast((earlier) => !earlier.startsWith("// ")) ?? "";
    // Overloads share the comment of the first one.
    if (before.trimEnd().endsWith("*/")) documented.add(name);
    return documented.has(name) ? [] : [`exports ${name} without a comment`];
  });
}
