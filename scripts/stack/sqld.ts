import { Secret } from "../../src/core/secret.ts";
import { sqldPlatform } from "../../src/platform/sqld.ts";
import { keepPort, keptPort } from "./kept.ts";
import { type Child, freePort } from "./process.ts";
import { sqldKeys } from "./sqld-keys.ts";
import { runSqld, untilNoSqld } from "./sqld-server.ts";

type Options = {
  dataDir: string;
  /** 0 or nothing: the port of last time, or a free one. */
  httpPort?: number;
  adminPort?: number;
  onLine?: (line: string) => void;
};
export type Sqld = {
  url: string;
  adminUrl: string;
  adminKey: string;
  /** The private key that signs database tokens: base64 of its PKCS#8 DER. */
  jwtKey: string;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
  /** Stops it if it still runs, and starts it again at the same addresses. */
  restart(): Promise<void>;
};

/** A real libSQL server on loopback: a namespace per database, every request signed. */
export async function startSqld(options: Options): Promise<Sqld> {
  const { dataDir, httpPort = 0, adminPort = 0 } = options;
  await untilNoSqld(dataDir);
  const keys = sqldKeys(dataDir);
  const fixed = httpPort > 0 && adminPort > 0;
  let ports = {
    http: httpPort || (await keptPort(dataDir, "sqld")),
    admin: adminPort || (await keptPort(dataDir, "sqld-admin")),
  };
  let child: Child | undefined;
  for (let attempt = 1; !child; attempt++) {
    try {
      child = await runSqld(options, keys, ports);
    } catch (error) {
      // Somebody may take a port between our choosing and its binding.
      if (fixed || attempt === 5 || !/address already in use/i.test(String(error))) throw error;
      ports = { http: httpPort || (await freePort()), admin: adminPort || (await freePort()) };
    }
  }
  keepPort(dataDir, "sqld", ports.http);
  keepPort(dataDir, "sqld-admin", ports.admin);

  let current = child;
  return {
    url: `http://127.0.0.1:${ports.http}`,
    adminUrl: `http://127.0.0.1:${ports.admin}`,
    adminKey: keys.admin,
    jwtKey: keys.jwt,
    get pid() {
      return current.pid;
    },
    get exited() {
      return current.exited;
    },
    stop: () => current.stop(),
    async restart() {
      await current.stop();
      current = await runSqld(options, keys, ports);
    },
  };
}

/** Makes sure the namespace exists. */
export async function createNamespace(server: Server, name: string): Promise<void> {
  await platformOf(server, 1).ensureDatabase({ name });
}

/** A token that reads and writes this one namespace. */
export async function mintToken(
  server: Server,
  name: string,
  expirySeconds: number,
): Promise<string> {
  const { token } = await platformOf(server, expirySeconds / 86_400).mintToken(name);
  return token.reveal();
}

type Server = Pick<Sqld, "url" | "adminUrl" | "adminKey" | "jwtKey">;
const platformOf = ({ url, adminUrl, adminKey, jwtKey }: Server, tokenDays: number) =>
  sqldPlatform({
    url,
    adminUrl,
    adminKey: new Secret(adminKey),
    jwtKey: new Secret(jwtKey),
    tokenDays,
    timeoutMs: 10_000,
    fetch,
  });
