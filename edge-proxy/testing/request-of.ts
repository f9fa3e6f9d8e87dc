import type { RequestHead } from "../l7/streams.ts";

/** A GET of `/page?x=1` from `a.example` with what `parts` say otherwise. */
export function requestOf(parts: Partial<RequestHead> = {}): RequestHead {
  return {
    version: "1.1",
    method: "GET",
    path: "/page?x=1",
    authority: "a.example",
    fields: [],
    bodyLength: 0,
    expectsContinue: false,
    acceptsTrailers: false,
    upgrade: undefined,
    via: "",
    claimedFor: "",
    claimedId: "",
    ...parts,
  };
}
