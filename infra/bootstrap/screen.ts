import type { ReadyFacts } from "./up.ts";

/** What the operator reads once the platform serves. */
export function renderScreen(
  facts: ReadyFacts,
  extras: { readonly folder: string; readonly node: string; readonly tookMs: number },
): string {
  const { domain } = facts;
  const [dnsHost, dnsPort] = splitLast(facts.dns);
  const [proxyHost, proxyPort] = splitLast(facts.proxy);
  const name = `mcp.svc.${domain}`;
  return `
Metacircular serves "${domain}" as node "${extras.node}", ready in ${(extras.tookMs / 1000).toFixed(1)} s

  API        ${facts.api}   https://${name}:${proxyPort}
  proxy      ${facts.proxy}
  DNS        ${facts.dns}   svc.${domain}
  registry   ${facts.registry}
  root CA    ${facts.ca}
  admin      ${facts.admin.username}, password in ${facts.admin.passwordFile}
  data       ${extras.folder}   logs in ${extras.folder}/logs

Next, in another terminal:

  export MCP_CONFIG=${quote(facts.cliConfig)}
  npx mcp login --username ${facts.admin.username} --password-file ${quote(facts.admin.passwordFile)}
  npx mcp ps
  curl --cacert ${quote(facts.ca)} --resolve ${name}:${proxyPort}:${proxyHost} https://${name}:${proxyPort}/healthz
  dig @${dnsHost} -p ${dnsPort} ${name}

Ctrl-C stops everything; the data stays.
`;
}

/** What the operator reads once the sample serves. */
export function renderSampleHint(facts: ReadyFacts, url: string): string {
  const { hostname, port } = new URL(url);
  const [proxyHost] = splitLast(facts.proxy);
  return `
hello serves at ${url}

  curl --cacert ${quote(facts.ca)} --resolve ${hostname}:${port}:${proxyHost} ${url}
  MCP_CONFIG=${quote(facts.cliConfig)} npx mcp status hello
  MCP_CONFIG=${quote(facts.cliConfig)} npx mcp logs hello
`;
}

/** The path as one word of a POSIX shell. */
function quote(path: string): string {
  return /^[\w/.:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function splitLast(hostPort: string): [string, string] {
  const at = hostPort.lastIndexOf(":");
  return [hostPort.slice(0, at).replace(/^\[|\]$/g, ""), hostPort.slice(at + 1)];
}
