import type { CommandCompletion } from "./completions.ts";

/** The completion script of bash. Service names are asked from `mcp __complete` while typing. */
export function bashCompletion(commands: readonly CommandCompletion[]): string {
  return `# bash completion of mcp: source <(mcp completion bash)
_mcp() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" word index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$path $word" in
${pathCases(commands)}    esac
  done
  local words=""
  case "$previous" in
    ${fileFlags(commands).join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$path" in
${commands.map(wordCase).join("")}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _mcp mcp
`;
}

function pathCases(commands: readonly CommandCompletion[]): string {
  return commands
    .filter(({ words }) => words.length > 0)
    .map(({ words }) => {
      const before = words.slice(0, -1).join("/");
      return `      "${before} ${words.at(-1)}") path="${words.join("/")}" ;;\n`;
    })
    .join("");
}

function wordCase({ words, commands, options, completes }: CommandCompletion): string {
  const fixed = [...commands.map(({ name }) => name), ...(Array.isArray(completes) ? completes : [])].join(" ");
  const flags = options.flatMap((option) => option.flags).join(" ");
  const dynamic = completes === "service" ? "$(mcp __complete services 2>/dev/null)" : fixed;
  return `    "${words.join("/")}") if [[ "$current" == -* ]]; then words="${flags}"; else words="${dynamic}"; fi ;;\n`;
}

/** Flags whose value is a file. */
export function fileFlags(commands: readonly CommandCompletion[]): string[] {
  return [
    ...new Set(commands.flatMap(({ options }) => options.flatMap(({ flags, value }) => value === "file" ? flags : []))),
  ];
}
