import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import {
  Client,
  credentials,
  type handleClientStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type ServiceError,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

/** Serialises nothing: messages are bytes. */
export function same(value: Buffer): Buffer {
  return value;
}

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** A service with a method of each kind, whose messages are bytes. */
export const echoService = {
  Unary: method("Unary", false, false),
  ServerStream: method("ServerStream", false, true),
  ClientStream: method("ClientStream", true, false),
  Bidi: method("Bidi", true, true),
} satisfies ServiceDefinition;

/** A gRPC server on loopback. */
export interface GrpcServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server of {@link echoService}. */
export async function startGrpcServer(implementation: UntypedServiceImplementation): Promise<GrpcServer> {
  const server = new Server();
  server.addService(echoService, implementation);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error === null) resolve(port);
    else reject(error);
  });
  const port = await promise;
  return { port, [Symbol.asyncDispose]: () => Promise.resolve(server.forceShutdown()) };
}

/** A client of {@link echoService} at `port`, which must have a certificate for `a.test` under `rootPem`. */
export function openGrpcClient(port: number, rootPem: string): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(rootPem)), {
    "grpc.ssl_target_name_override": "a.test",
    "grpc.default_authority": "a.test",
  });
}

/** What came of a unary call. */
export interface UnaryResult {
  readonly value: string | undefined;
  readonly error: ServiceError | null;
  readonly trailers: Metadata;
}

/** Makes a unary call. */
export function callUnary(client: Client, message: string, deadlineMs?: number): Promise<UnaryResult> {
  const { promise, resolve } = Promise.withResolvers<UnaryResult>();
  const result: { value: string | undefined; error: ServiceError | null } = { value: undefined, error: null };
  const call = client.makeUnaryRequest(
    echoService.Unary.path,
    same,
    same,
    Buffer.from(message),
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
    (error, value) => {
      result.error = error;
      result.value = value?.toString();
    },
  );
  call.on("status", ({ metadata }) => setImmediate(() => resolve({ ...result, trailers: metadata })));
  return promise;
}

const answerUnary: handleUnaryCall<Buffer, Buffer> = (call, done) => {
  const trailers = new Metadata();
  trailers.set("x-sum", "42");
  if (call.request.toString() === "fail") done({ code: status.NOT_FOUND, details: "nothing here" });
  else done(null, call.request, trailers);
};

const countBytes: handleClientStreamingCall<Buffer, Buffer> = (call, done) => {
  let bytes = 0;
  call.on("data", (message: Buffer) => void (bytes += message.length));
  call.on("end", () => done(null, Buffer.from(String(bytes))));
};

/** Echoes messages; a unary `fail` is NOT_FOUND. */
export const echoImplementation: UntypedServiceImplementation = {
  Unary: answerUnary,
  ClientStream: countBytes,
  ServerStream(call: { request: Buffer; write(value: Buffer): void; end(): void }) {
    for (let index = 0; index < 100; index += 1) call.write(Buffer.alloc(5_000, index));
    call.end();
  },
  Bidi(call: { on(event: string, listener: (value: Buffer) => void): void; write(value: Buffer): void; end(): void }) {
    call.on("data", (value) => call.write(value));
    call.on("end", () => call.end());
  },
};
