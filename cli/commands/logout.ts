import { PlatformError } from "#shared/errors/platform-error.ts";
import { connect } from "../platform/connect.ts";
import { deleteToken, readToken } from "../platform/token-file.ts";
import { printData } from "../render/print.ts";
import type { Cli } from "../world.ts";

/** Revokes the stored token and deletes it. The file goes even when the platform cannot be reached. */
export async function logout(cli: Cli): Promise<void> {
  using platform = await connect(cli);
  const { tokenPath } = platform.config;
  if (await readToken(tokenPath) === undefined) {
    return printData(cli, { loggedOut: false }, () => "Nobody was logged in\n");
  }
  try {
    await platform.mcias.logout({ signal: cli.interrupt });
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    // A token that is not accepted any more needs no revocation.
    if (error.httpStatus !== 401) {
      throw new PlatformError(
        error.code,
        `Cannot revoke the token: its file is deleted here, but the token lives until it expires`,
        { cause: error },
      );
    }
  } finally {
    await deleteToken(tokenPath);
  }
  printData(cli, { loggedOut: true }, () => `Logged out of ${platform.apiUrl}\n`);
}
