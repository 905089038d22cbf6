import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { Context, Provider } from "oidc-provider";
import { type Person, personOf, rightsOf, subjectOf } from "./people.ts";

export const signInPath = "/sign-in/";

/** The page that stands in for a password: a click, or any e-mail address, and you are that person. */
export async function signIn(
  provider: Provider,
  people: Person[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await provider.interactionDetails(request, response);
    const login =
      request.method === "POST" && new URLSearchParams(await text(request)).get("login");
    const person = login ? personOf(people, login) : undefined;
    if (!person) return page(response, login === false ? 200 : 400, choices(people));
    const result = { login: { accountId: subjectOf(person.email) }, consent: {} };
    await provider.interactionFinished(request, response, result);
  } catch {
    page(response, 400, "<p>This sign-in has expired: start again where you came from.</p>");
  }
}

const choices = (people: Person[]) => `<form method="post">
  <p><input name="login" type="email" required placeholder="anybody@example.test"> <button>Sign in</button></p>
</form>
<form method="post">${people
  .map(
    ({ email, name, ...person }) =>
      `<p><button name="login" value="${email}">${name}</button> ${email}, ${rightsOf({ email, name, ...person })}</p>`,
  )
  .join("\n")}
</form>`;

function page(response: ServerResponse, status: number, body: string): void {
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  response.writeHead(status, headers).end(`<!doctype html><title>Sign in</title>${body}`);
}

/** Signing out asks nothing twice. */
export const signOutPages = {
  logoutSource: (context: Context, form: string) => {
    context.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
  },
  postLogoutSuccessSource: (context: Context) => {
    context.body = "<!doctype html><title>Signed out</title>You are signed out.";
  },
};
