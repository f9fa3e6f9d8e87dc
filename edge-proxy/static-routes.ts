import { domainToASCII } from "node:url";
import { z } from "zod";
import { Label, Port } from "#shared/contract/names.ts";
import { AddressBlock, BackendProtocol, Route, RouteHost, RouteMode } from "#shared/contract/route.ts";
import { DurationMs } from "#shared/mcdsl/duration.ts";
import { given } from "./given.ts";

/** `<address>:<port>` of an instance, IPv6 addresses in brackets. */
const BackendAddress = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[0-9.]+):\d{1,5}$/, 'expected "<IP address>:<port>", IPv6 in brackets')
  .transform((text) => {
    const at = text.lastIndexOf(":");
    return { address: text.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(text.slice(at + 1)) };
  })
  .pipe(z.object({ address: z.union([z.ipv4(), z.ipv6()]), port: Port }));

/** One `[[routes]]` of the proxy's configuration. */
export const StaticRoute = z.strictObject({
  hostname: z.string().max(253).transform(toAsciiName).pipe(RouteHost),
  port: Port.default(443),
  mode: RouteMode,
  service: Label.default("static"),
  component: Label.default("static"),
  backends: z.array(BackendAddress).min(1).max(64),
  backend_protocol: BackendProtocol.optional(),
  backend_server_name: z.string().max(253).optional(),
  send_proxy_protocol: z.enum(["v1", "v2"]).optional(),
  certificate: z.enum(["acme"]).optional(),
  idle: DurationMs.optional(),
  body_bytes: z.int().min(0).optional(),
  allow_addresses: z.array(AddressBlock).max(1024).optional(),
}).refine((route) => route.mode === "l4" || route.send_proxy_protocol === undefined, {
  path: ["send_proxy_protocol"],
  message: "a pooled connection serves many clients, expected no PROXY header on an l7 route",
});

/** The names of people's scripts as DNS and TLS carry them (RFC 5890 §2.3.2.1), in lower case and without a trailing dot. */
function toAsciiName(written: string): string {
  const prefix = written.startsWith("*.") ? "*." : "";
  const name = written.slice(prefix.length).replace(/\.$/, "");
  return prefix + (domainToASCII(name) || name);
}

/** The route of a `[[routes]]` table; its instances are named after it. */
export function toRoute(file: z.output<typeof StaticRoute>): Route {
  const { idle, body_bytes: bodyBytes, allow_addresses: allowAddresses, ...rest } = file;
  const limits = given({ idleMs: idle, bodyBytes });
  return Route.parse({
    hostname: rest.hostname,
    port: rest.port,
    mode: rest.mode,
    service: rest.service,
    component: rest.component,
    origin: "static",
    backends: rest.backends.map((backend) => ({ instance: `static-${backend.address}-${backend.port}`, ...backend })),
    ...given({
      backendProtocol: rest.backend_protocol,
      backendServerName: rest.backend_server_name,
      sendProxyProtocol: rest.send_proxy_protocol,
      certificate: rest.certificate,
      limits: Object.keys(limits).length === 0 ? undefined : limits,
      policies: allowAddresses && { allowAddresses },
    }),
  });
}
