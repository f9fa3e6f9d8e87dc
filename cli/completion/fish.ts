import type { CommandCompletion, OptionCompletion } from "./completions.ts";

/** The completion script of fish. Service names are asked from `mcp __complete` while typing. */
export function fishCompletion(commands: readonly CommandCompletion[]): string {
  return `# fish completion of mcp: mcp completion fish > ~/.config/fish/completions/mcp.fish
function __mcp_path
    set -l path
    for word in (commandline -opc)[2..]
        switch "$path/$word"
${pathCases(commands)}        end
    end
    string join / -- $path
end
function __mcp_at
    set -l here (__mcp_path)
    test "$here" = "$argv[1]"
end
complete -c mcp -f
${commands.flatMap(commandLines).join("\n")}
`;
}

function pathCases(commands: readonly CommandCompletion[]): string {
  return commands
    .filter(({ words }) => words.length > 0)
    .map(({ words }) => {
      const before = words.slice(0, -1).join(" ");
      return `            case "${before}/${words.at(-1)}"\n                set path ${words.join(" ")}\n`;
    })
    .join("");
}

function commandLines({ words, commands, options, completes }: CommandCompletion): string[] {
  const at = `complete -c mcp -n '__mcp_at "${words.join("/")}"'`;
  const values = completes === "service" ? "(mcp __complete services 2>/dev/null)" : completes?.join(" ");
  return [
    ...commands.map(({ name, summary }) => `${at} -a ${name} -d ${quote(summary)}`),
    ...options.map((option) => `${at}${optionWords(option)}`),
    ...(values === undefined ? [] : [`${at} -a '${values}'`]),
  ];
}

function optionWords({ flags, summary, value }: OptionCompletion): string {
  const names = flags.map((flag) => flag.startsWith("--") ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`).join("");
  const takes = value === undefined ? "" : value === "file" ? " -r -F" : " -x";
  return `${names}${takes} -d ${quote(summary)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
