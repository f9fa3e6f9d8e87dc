import { Buffer } from "node:buffer";
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServiceDefinition,
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
