import { z } from "zod";
import { createInvite } from "./auth0-invite.ts";
import { linkAccounts } from "./auth0-link.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import { createManagementApi, type ManagementSettings } from "./management-api.ts";
import { isSubject, pathOf } from "./subject.ts";

export type Auth0Settings = ManagementSettings & {
  /** The database connection new people are created in. */
  readonly connection: string;
  /** For one method of the port as a whole, its repetitions included. */
  readonly timeoutMs: number;
};

/** Auth0, through its Management API v2. */
export function auth0Provider(settings: Auth0Settings): IdentityProvider {
  const api = createManagementApi(settings);
  const invite = createInvite(api, settings.connection);
  const newDeadline = () => Date.now() + settings.timeoutMs;

  return {
    kind: "auth0",
    invite: (person) => invite(person, newDeadline()),

    async setBlocked(subject, blocked) {
      if (!isSubject(subject)) return false;
      const question = { method: "PATCH", path: pathOf(subject), body: { blocked } } as const;
      const reply = await api.ask(question, newDeadline());
      if (reply.status === 404) return false;
      if (reply.status !== 200) throw api.refusal(reply);
      // So that no page in between passes for Auth0 having done it.
      api.parse(z.object({ user_id: z.literal(subject) }), reply);
      return true;
    },

    link: (primary, secondary) => linkAccounts(api, { primary, secondary }, newDeadline()),
  };
}
