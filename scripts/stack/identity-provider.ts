import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { signingKey } from "./identity-keys.ts";
import { keepPort, keptPort } from "./kept.ts";
import type { Person } from "./people.ts";
import { registerPersonGrant } from "./person-grant.ts";
import { providerRules } from "./provider-rules.ts";
import { signIn, signInPath } from "./sign-in.ts";

type Options = {
  dataDir: string;
  audience: string;
  people: Person[];
  /** 0 or nothing: the port of last time, or a free one. */
  port?: number;
};
export type IdentityProvider = { issuer: string; jwksUrl: string; stop(): Promise<void> };

/** A real OpenID provider on loopback: no password asked. */
export async function startIdentityProvider(options: Options): Promise<IdentityProvider> {
  const { dataDir } = options;
  const server = createServer();
  server.listen(options.port || (await keptPort(dataDir, "identity-provider")), "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  keepPort(dataDir, "identity-provider", port);

  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, providerRules(options, await signingKey(dataDir)));
  registerPersonGrant(provider, options.audience);
  provider.on("server_error", (_context, error) => console.error("identity provider:", error));
  const answer = provider.callback();
  server.on("request", (request, response) =>
    request.url?.startsWith(signInPath)
      ? signIn(provider, options.people, request, response)
      : answer(request, response),
  );
  return {
    issuer,
    jwksUrl: `${issuer}/jwks`,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
