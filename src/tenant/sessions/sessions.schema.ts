import { z } from "@hono/zod-openapi";
import { idOf } from "../../core/id.ts";
import { PageMeta, pageQuery } from "../../core/pagination.ts";

export const SessionParams = z.object({ id: idOf("session") });
export const SessionsQuery = pageQuery(["lastSeenAt"]);
export type SessionsQuery = z.infer<typeof SessionsQuery>;

export const Session = z
  .object({
    id: z.string(),
    userId: z.string(),
    current: z.boolean().openapi({ description: "Whether this very request belongs to it." }),
    firstSeenAt: z.iso.datetime(),
    lastSeenAt: z.iso.datetime(),
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .openapi("Session", {
    description:
      "Where somebody is signed in, as their tokens say (`sid`). `lastSeenAt` is at most a minute late.",
  });
export type Session = z.infer<typeof Session>;

export const SessionPage = z
  .object({ data: z.array(Session), meta: PageMeta })
  .openapi("SessionPage");
