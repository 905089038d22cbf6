import { generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { JWK } from "jose";

export type SigningKey = {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
};

/** A fresh RSA key, and its public half as a key set holds it. */
export function newSigningKey(modulusLength = 2048): SigningKey {
  const kid = randomUUID();
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  const jwk = publicKey.export({ format: "jwk" }) as JWK;
  return { kid, privateKey, jwk: { ...jwk, kid, alg: "RS256", use: "sig" } };
}

type Reply = (response: ServerResponse) => void;

/** What can go wrong at a provider: each is a way to answer the request for its keys. */
export const faults = {
  "an error": (response) => void response.writeHead(500).end('{"keys":[]}'),
  cut: (response) => void response.socket?.destroy(),
  silent: () => {},
  "not JSON": (response) => void response.end("<html>Sign in</html>"),
  endless(response) {
    const pour = () => {
      while (!response.destroyed && response.write(" ".repeat(65_536)));
    };
    response.on("drain", pour);
    pour();
  },
} satisfies Record<string, Reply>;

export type KeyServer = {
  readonly url: string;
  /** How often the keys were asked for. */
  readonly hits: number;
  /** Answers with these from now on, however it answered before. */
  publish(...keys: JWK[]): void;
  /** Answers like this from now on. */
  reply(how: Reply): void;
  stop(): void;
};

/** An identity provider reduced to its key set, on a free port; it counts, and does what it is told. */
export async function startKeyServer(...keys: JWK[]): Promise<KeyServer> {
  let hits = 0;
  let reply: Reply;
  const publish = (...published: JWK[]) => {
    reply = (response) =>
      void response
        .setHeader("content-type", "application/json")
        .end(JSON.stringify({ keys: published }));
  };
  publish(...keys);
  const server = createServer((_request, response) => {
    hits++;
    reply(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    get hits() {
      return hits;
    },
    publish,
    reply(how) {
      reply = how;
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
