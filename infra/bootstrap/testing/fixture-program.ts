// A program for the supervisor's tests: `fixture-program.ts NAME BEHAVIOUR`.
import process from "node:process";

const [, , name = "fixture", behaviour = "serve"] = process.argv;
const keepAlive = setInterval(() => undefined, 60_000);

function end(): void {
  process.stdout.write(`${name} ends\n`);
  clearInterval(keepAlive);
}

function sayReady(): void {
  process.stdout.write(JSON.stringify({ ready: true, program: name, port: 7 }) + "\n");
}

switch (behaviour) {
  case "serve":
    process.once("SIGTERM", end);
    sayReady();
    break;
  case "stubborn":
    process.on("SIGTERM", () => process.stdout.write(`${name} stays\n`));
    sayReady();
    break;
  case "fail":
    process.stderr.write('{"level":"error","message":"no use to people"}\nthe cellar is flooded\n');
    process.exitCode = 3;
    clearInterval(keepAlive);
    break;
  case "hang":
    break;
}
