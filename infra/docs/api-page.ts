import type { Access, AccessKind, Contract, Endpoint } from "#shared/contract/endpoint.ts";
import { code, codes, generatedFrom, page, table } from "./markdown.ts";

const callers: Readonly<Record<AccessKind, string>> = {
  public: "anybody, without a token",
  authenticated: "any valid token for the platform",
  user: "people with the role `user` or `admin`",
  admin: "people with the role `admin`",
  node: "a node's own token",
  system: "a system account's token",
};

/** The page of all endpoints, by system. */
export function apiPage(contracts: Readonly<Record<string, Contract>>): string {
  return page(
    generatedFrom("shared/contract/"),
    "# API",
    `All bodies are JSON unless an endpoint says otherwise. [openapi.json](../openapi.json) has their shapes; a running platform serves it
at \`/openapi.json\`. Send the token as \`Authorization: Bearer …\`. The registry's own API (\`/v2/\`, OCI distribution) is not listed.`,
    `Any endpoint may also answer ${
      codes(["invalid-request", "unsupported-media-type", "payload-too-large", "internal"])
    }, and unless it is public
${codes(["unauthenticated", "token-expired", "forbidden", "unavailable"])}. See [errors](errors.md).`,
    table(["Who", "Means"], Object.entries(callers).map(([kind, meaning]) => [kind, meaning])),
    ...Object.entries(contracts).flatMap(([system, contract]) => [`## ${system}`, toTable(contract)]),
  );
}

function toTable(contract: Contract): string {
  return table(["Operation", "Path", "Who", "Does", "Errors"], Object.values(contract).map(toRow));
}

function toRow({ id, method, path, access, summary, errors }: Endpoint): string[] {
  return [code(id), code(`${method} ${path}`), describeAccess(access), summary, codes(errors)];
}

function describeAccess(access: Access): string {
  return access === "public" ? access : access.join(", ");
}
