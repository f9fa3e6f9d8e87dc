import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createSandbox } from "../testing/sandbox.ts";

const tokenFile = ".config/mcp/token";

test("login() asks on a terminal without echo and stores the token 0600", async () => {
  await using sandbox = await createSandbox();
  const { exitCode, stdout, stderr } = await sandbox.run(["login"], {
    isTTY: true,
    stdin: "admin\nsecrex\u007ft\n",
    env: { TERM: "dumb" },
  });
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr, "User name: Password: \n");
  assert.equal(stdout, "Logged in to http://platform.test as admin until 2030-01-01T00:00:00.000Z\n");
  assert.equal(await sandbox.read(tokenFile), "fresh-token-of-admin\n");
  assert.equal((await stat(join(sandbox.dir, tokenFile))).mode & 0o777, 0o600);
});

test("login() takes the password from stdin or from a file", async () => {
  await using sandbox = await createSandbox();
  const piped = await sandbox.run(["login", "--username", "admin", "--password-stdin", "--json"], {
    stdin: "secret\n",
  });
  assert.equal(JSON.parse(piped.stdout).username, "admin");
  assert.ok(!piped.stdout.includes("fresh-token"));
  await sandbox.write("password", "secret\n");
  assert.equal(
    (await sandbox.run(["login", "-u", "admin", "--password-file", join(sandbox.dir, "password")])).exitCode,
    0,
  );
});

test("login() refuses a wrong password with exit code 4 and keeps the old token", async () => {
  await using sandbox = await createSandbox();
  const { exitCode, stderr } = await sandbox.run(["login", "-u", "admin", "--password-stdin"], { stdin: "wrong" });
  assert.equal(exitCode, 4);
  assert.match(stderr, /Error: Cannot log in as "admin": user name or password is wrong/);
  assert.equal(await sandbox.read(tokenFile), "token-of-admin\n");
});

test("login() never waits for a terminal that is not there", async () => {
  await using sandbox = await createSandbox();
  const cases = [
    [["login"], /Cannot ask for the user name: stdin is no terminal, expected --username/],
    [
      ["login", "-u", "admin"],
      /Cannot ask for the password: stdin is no terminal, expected --password-file or --password-stdin/,
    ],
    [["login", "-u", "admin", "--password-stdin"], /the password is empty/],
    [["login", "-u", "admin", "--password-stdin", "--password-file", "x"], /are both given/],
    [["login", "-u", "admin", "--password-file", "/nonexistent"], /Cannot read the password file "\/nonexistent"/],
    [["login", "-u", "A B", "--password-stdin"], /it is no account name/],
  ] as const;
  for (const [words, message] of cases) {
    const { exitCode, stderr } = await sandbox.run(words);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, message);
  }
});

test("login() ends at Ctrl-C on the terminal", async () => {
  await using sandbox = await createSandbox();
  const { exitCode, stderr } = await sandbox.run(["login", "-u", "admin"], { isTTY: true, stdin: "sec\u0003" });
  assert.equal(exitCode, 2);
  assert.match(stderr, /Cannot go on: the question was not answered/);
});

test("logout() revokes the token and deletes its file, also when the token is dead or the platform down", async () => {
  await using sandbox = await createSandbox();
  assert.equal((await sandbox.run(["logout"])).stdout, "Logged out of http://platform.test\n");
  assert.ok(!sandbox.fake.tokens.has("token-of-admin"));
  assert.equal((await sandbox.run(["logout"])).stdout, "Nobody was logged in\n");
  await sandbox.write(tokenFile, "dead-token");
  assert.equal((await sandbox.run(["logout"])).exitCode, 0);
  await sandbox.write(tokenFile, "token");
  sandbox.fake.isDown = true;
  const { exitCode, stderr } = await sandbox.run(["logout"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /Cannot revoke the token: its file is deleted here, but the token lives until it expires/);
  await assert.rejects(sandbox.read(tokenFile), { code: "ENOENT" });
});

test("whoami() shows the account, and names mcp login when nobody is logged in", async () => {
  await using sandbox = await createSandbox();
  assert.equal(
    (await sandbox.run(["whoami"])).stdout,
    "admin (admin) at http://platform.test, until 2030-01-01T00:00:00.000Z\n",
  );
  await sandbox.run(["logout"]);
  const { exitCode, stderr } = await sandbox.run(["whoami"]);
  assert.equal(exitCode, 4);
  assert.match(stderr, /nobody is logged in, expected a token in ".*\/token"\nRun: mcp login\n$/);
});

test("a token past half of its life is renewed once and stored; a younger one is not", async () => {
  await using sandbox = await createSandbox();
  const claims = Buffer.from(JSON.stringify({ iat: 1000, exp: 2000 })).toString("base64url");
  const token = `x.${claims}.y`;
  sandbox.fake.tokens.set(token, "admin");
  await sandbox.write(tokenFile, token);
  await sandbox.run(["whoami"], { now: new Date(1_400_000) });
  assert.equal(await sandbox.read(tokenFile), token);
  await sandbox.run(["whoami"], { now: new Date(1_600_000) });
  assert.equal(await sandbox.read(tokenFile), "renewed-token\n");
});

test("a token file with something else asks for a login and does not show it", async () => {
  await using sandbox = await createSandbox();
  for (const text of ["secret\nof mine", "secret \u0001", "secret".repeat(2000)]) {
    await sandbox.write(".config/mcp/token", text);
    const { exitCode, stderr } = await sandbox.run(["whoami"]);
    assert.equal(exitCode, 4);
    assert.match(
      stderr,
      /^Error: Cannot use the token in ".*token": it is no token, expected a new login\nRun: mcp login\n$/,
    );
    assert.ok(!stderr.includes("secret"));
  }
});
