import { z } from "zod";

/** A key of a TOML table. */
export interface TomlField {
  readonly key: string;
  readonly type: string;
  readonly isRequired: boolean;
  /** The default as TOML, `undefined` without one. */
  readonly default: string | undefined;
  /** What a value must be like, as the schema's own messages say it. */
  readonly rule: string;
  readonly meaning: string;
}

/** A table of a TOML file. */
export interface TomlTable {
  /** Such as `[server]` or `[[components.routes]]`; empty for the keys before the first table. */
  readonly header: string;
  /** Names that lead to it. */
  readonly path: readonly string[];
  /** Whether the file may leave it out and nothing stands in for it. */
  readonly isOptional: boolean;
  readonly meaning: string;
  readonly fields: readonly TomlField[];
}

/** What is looked at in a JSON schema. */
const Node = z.object({
  type: z.string().optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  required: z.array(z.string()).default([]),
  /** Messages about a value that is certainly wrong. */
  messages: z.array(z.string()).default([]),
  get properties() {
    return z.record(z.string(), Node).optional();
  },
  get items() {
    return Node.optional();
  },
  get additionalProperties() {
    return z.union([z.boolean(), Node]).optional();
  },
  get anyOf() {
    return z.array(Node).optional();
  },
});
type Node = z.infer<typeof Node>;

/** The tables of the TOML file that a schema describes, outer ones first. */
export function listTables(schema: z.ZodObject): TomlTable[] {
  const root = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (jsonSchema.type === "string") Object.assign(jsonSchema, { messages: messagesOfWrongText(zodSchema) });
    },
  });
  return walk(Node.parse(root), { path: [], isList: false, isOptional: false });
}

/** No rule allows a NUL, so what is said about it is what the rule says. */
function messagesOfWrongText(schema: z.core.$ZodType): string[] {
  const parsed = z.safeParse(schema, "\u0000");
  return parsed.error?.issues.map(({ message }) => message) ?? [];
}

interface Place {
  readonly path: readonly string[];
  readonly isList: boolean;
  readonly isOptional: boolean;
}

function walk(node: Node, place: Place): TomlTable[] {
  const properties = Object.entries(node.properties ?? {});
  const fields = properties
    .filter(([, property]) => innerTable(property) === undefined)
    .map(([key, property]) => toField(key, property, node.required.includes(key)));
  const below = properties.flatMap(([key, property]) => {
    const inner = innerTable(property);
    return inner === undefined ? [] : walk(inner, {
      path: [...place.path, key],
      isList: property.items !== undefined,
      isOptional: !node.required.includes(key) && property.default === undefined,
    });
  });
  const { path, isOptional } = place;
  return [{ header: headerOf(place), path, isOptional, meaning: node.description ?? "", fields }, ...below];
}

function headerOf({ path, isList }: Place): string {
  const name = path.join(".");
  if (name === "") return "";
  return isList ? `[[${name}]]` : `[${name}]`;
}

/** The table that a property is written as, `undefined` when it is a value. A record is a table with names of the writer's choice. */
function innerTable(node: Node): Node | undefined {
  const { items, additionalProperties: values, description } = node;
  if (node.properties !== undefined) return node;
  if (items?.properties !== undefined) return { ...items, description: description ?? items.description };
  return typeof values === "object" ? Node.parse({ properties: { "<name>": values }, description }) : undefined;
}

function toField(key: string, node: Node, isRequired: boolean): TomlField {
  return {
    key,
    type: typeName(node),
    isRequired,
    default: node.default === undefined ? undefined : JSON.stringify(node.default),
    rule: ruleOf(node).replaceAll("<", "\\<"),
    meaning: node.description ?? "",
  };
}

function typeName(node: Node): string {
  if (node.items !== undefined) return `list of ${typeName(node.items)}s`;
  return node.type ?? node.anyOf?.map(typeName)[0] ?? "any";
}

function ruleOf(node: Node): string {
  if (node.anyOf !== undefined) return node.anyOf.map(ruleOf).filter((rule) => rule !== "").join(" or ");
  if (node.items !== undefined) {
    return joinRules([
      ruleOf(node.items) === "" ? "" : `each ${ruleOf(node.items)}`,
      node.maxItems === undefined ? "" : `at most ${node.maxItems}`,
    ]);
  }
  if (node.enum !== undefined) return `one of ${node.enum.map((value) => `\`${value}\``).join(", ")}`;
  const range = node.minimum === undefined || node.maximum === undefined ? "" : `${node.minimum} to ${node.maximum}`;
  const length = node.maxLength === undefined ? "" : `at most ${node.maxLength} characters`;
  return joinRules([textRule(node), range, length]);
}

const formats: Readonly<Record<string, string>> = { uri: "URL", ipv4: "IPv4 address", ipv6: "IPv6 address" };

function textRule({ format = "", messages }: Node): string {
  const stated = messages.flatMap((message) => /(?:expected|Invalid string:) (.*)$/.exec(message)?.[1] ?? [])[0];
  return stated ?? formats[format] ?? "";
}

function joinRules(rules: readonly string[]): string {
  return rules.filter((rule) => rule !== "").join(", ");
}
