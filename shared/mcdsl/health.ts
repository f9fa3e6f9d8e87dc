import { describeError } from "../errors/platform-error.ts";

/** One thing that must work; rejects with the reason when it does not. */
export type HealthProbe = () => unknown;

/** Answers a health question: 200 when all probes pass, else 503, with each probe's result. */
export async function answerHealth(probes: Readonly<Record<string, HealthProbe>>): Promise<Response> {
  const checks = await Promise.all(
    Object.entries(probes).map(async ([name, probe]): Promise<[string, string]> => {
      try {
        await probe();
        return [name, "ok"];
      } catch (error) {
        return [name, describeError(error)];
      }
    }),
  );
  const isHealthy = checks.every(([, result]) => result === "ok");
  return Response.json(
    { status: isHealthy ? "ok" : "failing", checks: Object.fromEntries(checks) },
    { status: isHealthy ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}
