import { connect } from "../platform/connect.ts";
import { printData } from "../render/print.ts";
import type { Cli } from "../world.ts";

/** Shows whom the stored token stands for. */
export async function whoami(cli: Cli): Promise<void> {
  using platform = await connect(cli);
  const principal = await platform.mcias.whoami({ signal: cli.interrupt });
  printData(cli, principal, (style) => {
    const roles = principal.roles.length === 0 ? "no roles" : principal.roles.join(", ");
    return `${style.bold(principal.username)} (${roles}) at ${platform.apiUrl}, until ${principal.expiresAt}\n`;
  });
}
