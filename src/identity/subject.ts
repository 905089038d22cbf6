import { z } from "zod";

/** `provider|id`: with a bar in it no path segment can be `..`, and what follows may hold more bars. */
export const Subject = z.string().regex(/^[a-z0-9-]{1,64}\|[^\p{C}]{1,255}$/u);

export const isSubject = (text: string): boolean => Subject.safeParse(text).success;

export const pathOf = (subject: string): string => `/api/v2/users/${encodeURIComponent(subject)}`;

/** As it stands in a user's list of identities. */
export function identityOf(subject: string) {
  const bar = subject.indexOf("|");
  return { provider: subject.slice(0, bar), user_id: subject.slice(bar + 1) };
}
