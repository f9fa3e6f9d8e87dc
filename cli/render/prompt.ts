import { PlatformError } from "#shared/errors/platform-error.ts";
import type { Cli, Input } from "../world.ts";

/** Asks the operator on the terminal; what is typed ahead is kept for the next question. */
export interface Prompt {
  /** The line that was typed. */
  ask(question: string): Promise<string>;
  /** The line that was typed, which is not shown. */
  askSecret(question: string): Promise<string>;
}

const endOfText = "\u0003";
const endOfTransmission = "\u0004";

/** Questions on stderr, answers from a terminal on stdin. */
export function createPrompt({ stdin, stderr, interrupt }: Pick<Cli, "stdin" | "stderr" | "interrupt">): Prompt {
  const nextCharacter = createCharacterReader(stdin, interrupt);
  return {
    async ask(question) {
      stderr.write(`${question}: `);
      return readAnswer(nextCharacter);
    },
    async askSecret(question) {
      stderr.write(`${question}: `);
      stdin.setRawMode?.(true);
      try {
        return await readAnswer(nextCharacter);
      } finally {
        stdin.setRawMode?.(false);
        stderr.write("\n");
      }
    },
  };
}

/** Yes or no from the operator. Without a terminal nobody can be asked, and naming the command was the consent. */
export async function confirm(cli: Cli, question: string): Promise<boolean> {
  if (!cli.stdin.isTTY || !cli.stderr.isTTY || cli.json) return true;
  return /^y(es)?$/i.test((await createPrompt(cli).ask(`${question} [y/N]`)).trim());
}

function createCharacterReader(stdin: Input, interrupt: AbortSignal): () => Promise<string | undefined> {
  const interrupted = Promise.withResolvers<IteratorResult<string>>();
  interrupt.addEventListener("abort", () => interrupted.resolve({ done: false, value: endOfText }), { once: true });
  const chunks = stdin[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let waiting: string[] = [];
  return async () => {
    while (waiting.length === 0) {
      const { done, value } = await Promise.race([chunks.next(), interrupted.promise]);
      if (done === true) return undefined;
      waiting = Array.from(typeof value === "string" ? value : decoder.decode(value, { stream: true }));
    }
    return waiting.shift();
  };
}

async function readAnswer(nextCharacter: () => Promise<string | undefined>): Promise<string> {
  const typed: string[] = [];
  for (;;) {
    const character = await nextCharacter();
    if (character === endOfText) throw new PlatformError("cancelled", "Cannot go on: the question was not answered");
    if (character === undefined || character === endOfTransmission || character === "\n" || character === "\r") {
      return typed.join("");
    }
    if (character === "\u007f" || character === "\b") typed.pop();
    else typed.push(character);
  }
}

/** All of stdin as text, for secrets that are piped in. */
export async function readAll(stdin: Input, maxLength: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > maxLength) {
      throw new PlatformError(
        "invalid-usage",
        `Cannot read stdin: it is longer than ${maxLength} characters, expected one line`,
      );
    }
  }
  return text;
}
