/** Why a head is refused. The connection ends with the answer: nobody knows where the next message would begin. */
export interface HeadFault {
  readonly kind: "fault";
  readonly status: number;
  readonly reason: string;
}

/** A fault to answer with `status`. */
export function createFault(status: number, reason: string): HeadFault {
  return { kind: "fault", status, reason };
}
