import { join } from "node:path";
import process from "node:process";
import { Command, CommanderError } from "commander";
import { describeError, toPlatformError } from "#shared/errors/platform-error.ts";
import packageFacts from "../package.json" with { type: "json" };

/** Programs that read their own arguments. */
const programs = {
  server: "run the control plane's handlers",
  proxy: "run the TLS proxy of a node",
  agent: "run the agent of a node",
  dns: "run the name server of a node",
};

const sourceFolder = join(import.meta.dirname, "..");

function createCommands(): Command {
  const main = new Command("metacircular").description(
    "The Metacircular platform: one command a program, `up` for all of them",
  ).exitOverride();
  main
    .command("up")
    .description("run a whole platform on this machine, in the foreground")
    .option("--dir <folder>", "where everything is kept (default: .mc)")
    .option("--domain <name>", "domain; services are at <service>.svc.<domain> (default: mcp.localhost)")
    .option("--node <name>", "name of the node that this machine becomes (default: local)")
    .option("--address <ip>", "address of proxy and DNS (default: 127.0.0.1)")
    .option("--proxy-port <port>", "port of the TLS proxy (default: 8443)")
    .option("--dns-port <port>", "port of the name server (default: 5300)")
    .option("--api-port <port>", "port of the API on 127.0.0.1 (default: 8440, or a free one)")
    .option("--no-sample", "do not deploy the sample service at first boot")
    .option("--json", "print one JSON line once the platform serves", false)
    .action(async (flags: UpCommandFlags) => {
      const { parseUpFlags } = await import("./bootstrap/up-options.ts");
      const { renderUpError, runUp } = await import("./bootstrap/run-up.ts");
      try {
        await runUp(parseUpFlags(flags), {
          json: flags.json,
          sample: flags.sample ? "first-boot" : "never",
          sourceFolder,
        });
      } catch (error) {
        renderUpError(error, { json: flags.json });
      }
    });
  for (const [name, about] of Object.entries(programs)) {
    const program = main.command(name).description(about).requiredOption("--config <file>", "TOML file");
    if (name === "server") {
      program.option("--only <systems>", "the systems to run, such as mcr,mcias; the others are [peers]");
    }
  }
  main
    .command("enrol")
    .description("exchange a join token for an identity file")
    .requiredOption("--mcias <url>", "origin of MCIAS (for a private CA set $NODE_EXTRA_CA_CERTS)")
    .requiredOption("--domain <name>", "domain of the platform")
    .requiredOption("--join-token-file <file>", "file with the join token; removed afterwards")
    .requiredOption("--identity <file>", "where the identity goes; nothing happens when it exists")
    .action(async (flags: EnrolFlags) => {
      const { enrolNode } = await import("./bootstrap/enrol-node.ts");
      await enrolNode({
        mciasUrl: flags.mcias,
        domain: flags.domain,
        joinTokenPath: flags.joinTokenFile,
        identityPath: flags.identity,
      });
    });
  main.command("version").description("print the version").action(() =>
    void process.stdout.write(`${packageFacts.version}\n`)
  );
  return main;
}

interface UpCommandFlags {
  readonly dir?: string;
  readonly domain?: string;
  readonly node?: string;
  readonly address?: string;
  readonly proxyPort?: string;
  readonly dnsPort?: string;
  readonly apiPort?: string;
  readonly sample: boolean;
  readonly json: boolean;
}

interface EnrolFlags {
  readonly mcias: string;
  readonly domain: string;
  readonly joinTokenFile: string;
  readonly identity: string;
}

/** Runs one command line of `metacircular` and sets `process.exitCode`. */
export async function runCommand(argv: readonly string[]): Promise<void> {
  try {
    await createCommands().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`metacircular: ${describeError(error)}\n`);
    process.exitCode = toPlatformError(error).entry.exitCode;
  }
}
