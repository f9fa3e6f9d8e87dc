/** Says that this is a registry (end-1). */
export async function checkVersion(): Promise<Response> {
  return Response.json({});
}
