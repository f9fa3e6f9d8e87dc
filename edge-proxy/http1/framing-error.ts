/** The body of a message is framed wrongly: nobody knows where it ends, so the connection must (RFC 9112 §7.1). */
export class FramingError extends Error {
  override readonly name = "FramingError";
}
