import process from "node:process";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { toPlatformError } from "#shared/errors/platform-error.ts";
import { createLog, type LogLevel } from "#shared/log/log.ts";
import type { DataPlane } from "../data-plane.ts";
import { openCountryDatabase } from "../firewall/country-database.ts";
import { createMetrics, type ProxyMetrics } from "../metrics.ts";
import { openDataPlane } from "../open-data-plane.ts";
import type { Answers, FromWorker, Question, ToWorker, WorkerStart, WorkerState } from "./messages.ts";

/** One worker: a data plane in a thread of its own, which does what the main thread says. */
async function run(port: MessagePort, { settings, countryFile }: WorkerStart): Promise<void> {
  const say = (message: FromWorker) => port.postMessage(message);
  let level: LogLevel = settings.logLevel ?? "info";
  const log = createLog({
    system: "mc-proxy",
    level: () => level,
    write: (line) => void process.stderr.write(line),
  }).child({ worker: settings.worker });
  const metrics = createMetrics();
  const countries = countryFile === undefined ? undefined : await openCountryDatabase({ file: countryFile, log });
  const own: { plane?: DataPlane } = {};
  const opened = await openDataPlane({
    ...settings,
    metrics,
    log,
    ...(countries === undefined ? {} : { countryOf: countries.countryOf }),
    onChange(what) {
      if (own.plane !== undefined) say({ kind: "state", what, state: stateOf(own.plane) });
    },
  });
  own.plane = opened;
  port.on("message", (message: ToWorker) => {
    if (message.kind === "log-level") level = message.level;
    else if (message.kind === "ask") {
      void answer(message, opened, metrics).then((answers) => say({ kind: "answer", id: message.id, answers }));
    } else obey(message, opened);
  });
  say({ kind: "ready", state: stateOf(opened) });
}

function obey(message: Exclude<ToWorker, Question | { readonly kind: "log-level" }>, plane: DataPlane): void {
  switch (message.kind) {
    case "apply":
      plane.apply(message.changes);
      break;
    case "certificate":
      plane.certificate(message.hostname, message.material);
      break;
    case "roots":
      plane.roots(message.pem);
      break;
    case "firewall":
      plane.firewall(message.rules);
      break;
  }
}

async function answer(question: Question, plane: DataPlane, metrics: ProxyMetrics): Promise<Answers> {
  switch (question.what) {
    case "facts":
      return { facts: await plane.facts() };
    case "samples":
      return { samples: metrics.samples() };
    case "challenge":
      await plane.challenge(question.step, question.challenge);
      return {};
    case "drain":
      await plane.drain();
      return {};
  }
}

function stateOf(plane: DataPlane): WorkerState {
  return {
    port: plane.port,
    ports: plane.ports(),
    extraPorts: new Map([...plane.table.extraPorts].map((port) => [port, plane.portState(port)])),
    draining: plane.draining(),
  };
}

if (parentPort !== null) {
  const port = parentPort;
  const start: WorkerStart = workerData;
  run(port, start).catch((error: unknown) => {
    const { code, message } = toPlatformError(error);
    const failure: FromWorker = { kind: "failed", code, message };
    port.postMessage(failure);
  });
}
