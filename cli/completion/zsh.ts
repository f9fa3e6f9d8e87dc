import type { CommandCompletion, OptionCompletion } from "./completions.ts";

/** The completion script of zsh. Service names are asked from `mcp __complete` while typing. */
export function zshCompletion(commands: readonly CommandCompletion[]): string {
  return `#compdef mcp
# zsh completion of mcp: mcp completion zsh > "\${fpath[1]}/_mcp"
_mcp_services() {
  local -a services
  services=(\${(f)"$(mcp __complete services 2>/dev/null)"})
  compadd -a services
}
${commands.map(commandFunction).join("")}if [ "$funcstack[1]" = "_mcp" ]; then _mcp "$@"; else compdef _mcp mcp; fi
`;
}

function functionName(words: readonly string[]): string {
  return ["_mcp", ...words].join("_");
}

function commandFunction(command: CommandCompletion): string {
  const { words, commands, options, completes } = command;
  const specs = options.flatMap(optionSpecs).map((spec) => ` \\\n    ${quote(spec)}`).join("");
  if (commands.length === 0) {
    const argument = argumentSpec(completes);
    return `${functionName(words)}() {\n  _arguments${specs}${
      argument === undefined ? "" : ` \\\n    ${quote(argument)}`
    }\n}\n`;
  }
  const described = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(":", "\\:")}`)}\n`)
    .join("");
  const cases = commands.map(({ name }) => `      ${name}) ${functionName([...words, name])} ;;\n`).join("");
  return `${functionName(words)}() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${described}  )
  _arguments -C${specs} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest) case $line[1] in
${cases}    esac ;;
  esac
}
`;
}

function argumentSpec(completes: CommandCompletion["completes"]): string | undefined {
  if (completes === undefined) return undefined;
  return completes === "service" ? "1:service:_mcp_services" : `1:word:(${completes.join(" ")})`;
}

function optionSpecs({ flags, summary, value }: OptionCompletion): string[] {
  const text = summary.replaceAll(/[[\]:]/g, String.raw`\$&`);
  const action = value === "file" ? ":file:_files" : value === undefined ? "" : `:${value}:`;
  return flags.map((flag) => `${flag}[${text}]${action}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
