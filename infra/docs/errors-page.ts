import { errorCatalogue } from "#shared/errors/catalogue.ts";
import { problemMediaType } from "#shared/errors/problem.ts";
import { code, generatedFrom, page, table } from "./markdown.ts";

/** The page of all error codes. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([name, { httpStatus, exitCode, retryable, title }]) => [
    code(name),
    String(httpStatus),
    String(exitCode),
    retryable ? "yes" : "no",
    title,
  ]);
  return page(
    generatedFrom("shared/errors/catalogue.ts"),
    "# Errors",
    `Every error has one of these codes. Over HTTP it is an RFC 9457 problem document (${code(problemMediaType)}) with
\`code\`, \`detail\`, often \`details\`, and the \`requestId\` of the log line. The registry API (\`/v2/\`) uses OCI error codes instead.`,
    `*Retry*: the same request may succeed later, unchanged. *Exit*: exit code of \`mcp\`: 1 failed, 2 cancelled, wrong usage or wrong
configuration, 4 needs a login.`,
    table(["Code", "HTTP", "Exit", "Retry", "Meaning"], rows),
  );
}
