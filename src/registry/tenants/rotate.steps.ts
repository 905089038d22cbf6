import type { Kind } from "../operations/kind.ts";
import { keepToken } from "./token-vault.ts";

/**
 * A new token for a tenant's database. Whoever remembers the old one goes on with it until they look
 * again; what is ended before that, they find out by being refused.
 */
export const rotate: Kind = {
  steps: {
    mint_token: async ({ platform, keyRing }, { tenant: { id, databaseName } }) => ({
      tenant: await keepToken(keyRing, id, await platform.mintToken(databaseName)),
    }),
    wait: async ({ routesLastMs }, { operation }) => {
      const until = Number(operation.output["oldTokenInUseUntil"] ?? Date.now() + routesLastMs);
      const left = until - Date.now();
      if (left <= 0) return {};
      const output = { oldTokenInUseUntil: until };
      return { output, againAfterMs: left, progress: "until nobody uses the old token" };
    },
    /** A platform that ends tokens ends them all: the next one is stored at once. */
    end_old_tokens: async ({ platform, keyRing }, { tenant: { id, databaseName } }) => {
      if (!(await platform.endTokens(databaseName)))
        return { progress: "this platform cannot: the old token lasts until it expires" };
      const minted = await platform.mintToken(databaseName);
      return { tenant: await keepToken(keyRing, id, minted), progress: "ended" };
    },
  },
};
