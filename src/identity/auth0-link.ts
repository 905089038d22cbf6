import { z } from "zod";
import { ApiError } from "../core/error.ts";
import { causeOf } from "../remote/ask.ts";
import type { ManagementApi } from "./management-api.ts";
import { identityOf, isSubject, pathOf } from "./subject.ts";

const Identity = z.object({
  provider: z.string(),
  user_id: z.union([z.string(), z.number().transform(String)]),
});
const Identities = z.array(Identity);
type Pair = { readonly primary: string; readonly secondary: string };

export async function linkAccounts(
  api: ManagementApi,
  { primary, secondary }: Pair,
  deadline: number,
): Promise<void> {
  if (primary === secondary) return;
  if (!isSubject(primary) || !isSubject(secondary))
    throw new ApiError("conflict", "One of the accounts is not the identity provider's");
  const question = {
    method: "POST",
    path: `${pathOf(primary)}/identities`,
    body: identityOf(secondary),
  } as const;
  const reply = await api.ask(question, deadline);
  if (reply.status === 201 && holds(api.parse(Identities, reply), secondary)) return;
  // What is said of an account linked before differs, for it is no user any more. Its home tells.
  if (![201, 400, 404, 409].includes(reply.status)) throw api.refusal(reply);
  if (await isLinked(api, { primary, secondary }, deadline)) return;
  const cause = causeOf(reply);
  if (reply.status === 409)
    throw new ApiError("identity_taken", "The account belongs to another one already", { cause });
  throw new ApiError("conflict", "The identity provider cannot link these accounts", { cause });
}

async function isLinked(
  api: ManagementApi,
  { primary, secondary }: Pair,
  deadline: number,
): Promise<boolean> {
  const path = `${pathOf(primary)}?fields=identities&include_fields=true`;
  const reply = await api.ask({ method: "GET", path }, deadline);
  if (reply.status === 404) return false;
  if (reply.status !== 200) throw api.refusal(reply);
  return holds(api.parse(z.object({ identities: Identities }), reply).identities, secondary);
}

const holds = (identities: z.infer<typeof Identities>, subject: string) =>
  identities.some(({ provider, user_id }) => `${provider}|${user_id}` === subject);
