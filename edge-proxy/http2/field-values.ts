/** Bytes that no field value has (RFC 9113 §8.2.1): controls but the tab. Characters above a byte would be cut to one on the wire. */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/;

/** Whether `value` may be sent in a field. */
export function isFieldValue(value: string): boolean {
  return !forbidden.test(value);
}
