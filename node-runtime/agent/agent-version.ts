import manifest from "../../package.json" with { type: "json" };

/** Version of this agent, as heartbeats carry it: that of the platform it was built from. */
export const agentVersion: string = manifest.version;
