// Child process of the feed benchmark: follows one topic many times, and tells its parent when each follower has applied a change.
import { Agent, get } from "node:http";
import process from "node:process";
import { FeedFrame } from "#shared/feed/frame.ts";
import { decodeFrames } from "#shared/wire/cbor.ts";

const [port, count] = process.argv.slice(2).map(Number);
const agent = new Agent({ maxSockets: Infinity });
let times: number[] = [];

for (let index = 0; index < (count ?? 0); index++) {
  get({ host: "127.0.0.1", port, agent }, async (response) => {
    for await (const item of decodeFrames(response)) {
      if (FeedFrame.parse(item).entries.length === 0) continue;
      times.push(Date.now());
      if (times.length === count) {
        process.send?.(times);
        times = [];
      }
    }
  });
}
