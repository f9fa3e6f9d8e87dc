import type { Contract } from "#shared/contract/endpoint.ts";

/** The systems that a server can compose. */
export const systemNames = ["mcp", "mcias", "mcr", "mcns", "metacrypt"] as const;
/** One of the systems that a server can compose. */
export type SystemName = (typeof systemNames)[number];

/** Paths that a system owns: path templates, such as `/v1/zones/{zone}`, and prefixes with everything below them. */
export interface OwnedPaths {
  readonly templates: readonly string[];
  readonly prefixes: readonly string[];
}

/** The paths of a contract, each once. */
export function pathsOf(contract: Contract, prefixes: readonly string[] = []): OwnedPaths {
  return { templates: [...new Set(Object.values(contract).map(({ path }) => path))], prefixes };
}

/** Finds the system that owns a path. */
export type PathTable<Name extends string> = (path: string) => Name | undefined;

interface Branch<Name> {
  readonly children: Map<string, Branch<Name>>;
  owner?: Name;
  /** Owner of everything below. */
  below?: Name;
}

/** Parameters match one segment of any text; a literal segment wins over them. */
const anySegment = "{}";

/**
 * A table from paths to their owners, built from what each system offers.
 *
 * @throws {TypeError} when two systems own one path
 */
export function createPathTable<Name extends string>(owned: Readonly<Record<Name, OwnedPaths>>): PathTable<Name>;
export function createPathTable(owned: Readonly<Record<string, OwnedPaths>>): PathTable<string> {
  const root: Branch<string> = { children: new Map() };
  for (const [name, paths] of Object.entries(owned)) {
    for (const template of paths.templates) claim(branchFor(root, template), "owner", name, template);
    for (const prefix of paths.prefixes) claim(branchFor(root, prefix), "below", name, prefix);
  }
  return (path) => findOwner(root, segmentsOf(path));
}

function claim(branch: Branch<string>, kind: "owner" | "below", name: string, path: string): void {
  const other = branch[kind];
  if (other !== undefined && other !== name) {
    throw new TypeError(`Cannot give the path "${path}" to ${name}: ${other} owns it, expected one owner`);
  }
  branch[kind] = name;
}

function branchFor(root: Branch<string>, template: string): Branch<string> {
  let branch = root;
  for (const segment of segmentsOf(template)) {
    const key = /^\{.*\}$/.test(segment) ? anySegment : segment;
    const next: Branch<string> = branch.children.get(key) ?? { children: new Map() };
    branch.children.set(key, next);
    branch = next;
  }
  return branch;
}

function findOwner(branch: Branch<string>, [segment, ...rest]: readonly string[]): string | undefined {
  if (segment === undefined) return branch.owner ?? branch.below;
  for (const key of [segment, anySegment]) {
    const child = branch.children.get(key);
    const owner = child === undefined ? undefined : findOwner(child, rest);
    if (owner !== undefined) return owner;
  }
  return branch.below;
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}
