import { z } from "zod";
import { type ApiError, unavailable } from "../core/error.ts";
import { Secret } from "../core/secret.ts";
import {
  asFailure,
  askPatiently,
  type Door,
  type Misconfiguration,
  parseReply,
  type Question,
  type Reply,
} from "../remote/ask.ts";

export type ManagementSettings = {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly fetch: typeof fetch;
};

export type ManagementApi = {
  ask(question: Question, deadline: number): Promise<Reply>;
  refusal(reply: Reply, more?: readonly Misconfiguration[]): ApiError;
  parse<T>(schema: z.ZodType<T>, reply: Reply): T;
};

type Token = { readonly secret: Secret; readonly goodUntil: number };

/** Some runtimes quote a header they refuse in the error, and so the token in it. */
const Granted = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().positive(),
});

/** So that no token ends on its way. */
const marginMs = 60_000;
const pollMs = 10;

/**
 * Auth0's Management API, opened with tokens for our client. Auth0 counts and bills them, so the
 * isolate remembers one, and of many requests in need of one a single request asks. The others poll
 * plain data with timers of their own: on Workers a promise must not cross requests.
 */
export function createManagementApi(settings: ManagementSettings): ManagementApi {
  const { fetch } = settings;
  const url = settings.url.replace(/\/+$/, "");
  const door: Door = { name: "The identity provider", url, fetch };
  let token: Token | undefined;
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  /** A request cancelled with its client never says that it is done. */
  let loadingUntil = 0;

  async function load(deadline: number): Promise<Token> {
    loadingUntil = deadline;
    try {
      token = await requestToken(deadline);
      return token;
    } catch (error) {
      failure = { error, at: Date.now() };
      throw error;
    } finally {
      loadingUntil = 0;
    }
  }

  async function requestToken(deadline: number): Promise<Token> {
    const { clientId: client_id, clientSecret } = settings;
    const now = Date.now();
    const body = {
      grant_type: "client_credentials",
      client_id,
      client_secret: clientSecret.reveal(),
      audience: `${url}/api/v2/`,
    };
    const question = {
      method: "POST",
      path: "/oauth/token",
      body,
      secrets: [clientSecret],
    } as const;
    const reply = await askPatiently(door, question, deadline);
    if (reply.status !== 200) throw asFailure(door, reply, tokenMisconfigurations);
    const { access_token, expires_in } = parseReply(door, Granted, reply);
    return { secret: new Secret(access_token), goodUntil: now + expires_in * 1000 - marginMs };
  }

  /** A token other than the refused one. */
  async function findToken(deadline: number, refused?: Token): Promise<Token> {
    const began = Date.now();
    const usable = () =>
      token && token !== refused && token.goodUntil > Date.now() ? token : undefined;
    while (!usable() && Date.now() < Math.min(loadingUntil, deadline))
      await new Promise((wake) => setTimeout(wake, pollMs));
    const found = usable();
    if (found) return found;
    if (failure && failure.at >= began) throw failure.error;
    if (Date.now() >= deadline) throw unavailable(`${door.name} does not answer`);
    return await load(deadline);
  }

  return {
    async ask(question, deadline) {
      const askWith = ({ secret }: Token) =>
        askPatiently({ ...door, key: { scheme: "Bearer", secret } }, question, deadline);
      const first = await findToken(deadline);
      const reply = await askWith(first);
      if (reply.status !== 401) return reply;
      return await askWith(await findToken(deadline, first));
    },
    refusal: (reply, more = []) => asFailure(door, reply, [...more, ...misconfigurations]),
    parse: (schema, reply) => parseReply(door, schema, reply),
  };
}

const tokenMisconfigurations: readonly Misconfiguration[] = [
  ...[400, 401].map((status) => ({
    status,
    detail: "AUTH0_MANAGEMENT_CLIENT_ID and AUTH0_MANAGEMENT_CLIENT_SECRET are not accepted",
  })),
  {
    status: 403,
    detail:
      "AUTH0_MANAGEMENT_CLIENT_ID has no access to the Management API of AUTH0_MANAGEMENT_URL",
  },
  { status: 404, detail: "AUTH0_MANAGEMENT_URL is not the address of an Auth0 tenant" },
];

const misconfigurations: readonly Misconfiguration[] = [
  { status: 401, detail: "AUTH0_MANAGEMENT_URL refuses the tokens it gives" },
  {
    status: 403,
    text: /scope/i,
    detail:
      "AUTH0_MANAGEMENT_CLIENT_ID needs read:users, create:users, update:users, create:user_tickets and create:organization_members",
  },
  { status: 403, detail: "AUTH0_MANAGEMENT_CLIENT_ID does not allow this" },
];
