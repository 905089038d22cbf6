import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, vi } from "vitest";
import { outboxOf } from "./stack.ts";

/** The mails to this address so far, oldest first: subject and text. */
export function mailsTo(address: string): { subject: string; text: string }[] {
  const dir = outboxOf(inject("stack").dataDir);
  return readdirSync(dir)
    .filter((name) => !name.startsWith(".") && name.endsWith(`-${address}.txt`))
    .sort()
    .map((name) => {
      const mail = readFileSync(join(dir, name), "utf8");
      const [, subject = "", text = ""] = /^Subject: (.*)\n\n([\s\S]*)$/m.exec(mail) ?? [];
      return { subject, text };
    });
}

/** The token in the newest of so many mails to this address. */
export async function invitationToken(address: string, mails = 1): Promise<string> {
  await vi.waitFor(() => expect(mailsTo(address)).toHaveLength(mails), 5000);
  const { text = "" } = mailsTo(address).at(-1) ?? {};
  const [, token] = /#token=(\S+)/.exec(text) ?? [];
  if (!token) throw new Error(`No link in ${text}`);
  return token;
}
