import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

/** Why there can be no {@link holdSocket} here; `undefined` when there can. */
export const noSocketHolder: string | undefined = existsSync("/usr/bin/perl")
  ? undefined
  : "perl is not installed, which holds a listening socket as systemd does";

/** Holds a listening socket and starts one program after the other on it, as systemd does with a socket unit. */
export interface SocketHolder extends AsyncDisposable {
  readonly port: number;
  /** Starts the program as soon as the one before has ended; gives its process id once it says that it is ready. */
  start(): Promise<number>;
}

/** Node cannot hold a socket without accepting. */
const script = `
use Socket;
$| = 1;
$^F = 16;
socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
bind($s, sockaddr_in(0, inet_aton("127.0.0.1"))) or die;
listen($s, 4096) or die;
my ($port) = sockaddr_in(getsockname($s));
print "$port\\n";
fileno($s) == 3 or die "the socket is not descriptor 3";
while (<STDIN>) {
  my $pid = fork();
  if ($pid == 0) {
    $ENV{LISTEN_PID} = $$;
    $ENV{LISTEN_FDS} = 1;
    open(STDIN, "<", "/dev/null");
    exec(@ARGV) or die;
  }
  print "$pid\\n";
  waitpid($pid, 0);
}
`;

/** A holder for programs that are started with \`args\` of this runtime. */
export async function holdSocket(args: readonly string[]): Promise<SocketHolder> {
  const runtime = process.versions["deno"] === undefined ? [] : ["run", "--allow-all", "--no-lock", "--no-check"];
  const child: ChildProcess = spawn("/usr/bin/perl", ["-e", script, process.execPath, ...runtime, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("there are no pipes");
  const waiting: ((line: string) => void)[] = [];
  const lines: string[] = [];
  createInterface({ input: stdout }).on("line", (line) => {
    const take = waiting.shift();
    if (take === undefined) lines.push(line);
    else take(line);
  });
  const nextLine = () => {
    const line = lines.shift();
    return line === undefined ? new Promise<string>((resolve) => waiting.push(resolve)) : Promise.resolve(line);
  };
  const port = Number(await nextLine());
  let running: number | undefined;
  return {
    port,
    async start() {
      stdin.write("\n");
      const pid = Number(await nextLine());
      running = pid;
      await nextLine();
      return pid;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => child.once("close", resolve));
      stdin.end();
      if (running !== undefined) process.kill(running, "SIGTERM");
      await closed;
    },
  };
}
