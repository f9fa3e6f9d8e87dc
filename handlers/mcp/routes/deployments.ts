import { mcpContract } from "#shared/contract/mcp.ts";
import type { Api } from "#shared/contract/server.ts";
import type { McpContext } from "../context.ts";
import { getDeployment, listEvents, toDeployment } from "../store/deployments.ts";

/** How often another replica's progress is looked for, in milliseconds. */
const lookAgainMs = 1_000;

/** Serves the progress of deployments. */
export function serveDeployments(api: Api, context: McpContext, stopping: AbortSignal): void {
  api.implement(
    mcpContract.getDeployment,
    async ({ params }) => toDeployment(await getDeployment(context.database, params.id)),
  );
  api.implement(mcpContract.followDeployment, async ({ params, query, request }) => {
    await getDeployment(context.database, params.id);
    const gone = new AbortController();
    const signal = AbortSignal.any([request.signal, stopping, gone.signal]);
    const events = followEvents(context, params.id, query.after, signal);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const next = await events.next();
        if (next.done) controller.close();
        else controller.enqueue(new TextEncoder().encode(next.value));
      },
      cancel: () => gone.abort(),
    });
    return new Response(body, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } });
  });
}

async function* followEvents(
  context: McpContext,
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let last = after;
  while (!signal.aborted) {
    // Asked for before the look, so that what happens in between is not missed.
    const progress = context.progress.wait(AbortSignal.any([signal, AbortSignal.timeout(lookAgainMs)]));
    const events = await listEvents(context.database, id, last);
    for (const event of events) {
      last = event.sequence;
      yield JSON.stringify(event) + "\n";
      if (event.status !== undefined) return;
    }
    // A deployment that ended before `after` has nothing more to say.
    if (events.length === 0 && (await getDeployment(context.database, id)).finished_at !== null) return;
    if (events.length === 0) await progress;
  }
}
