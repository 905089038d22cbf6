import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Keeps the mails the local runtime takes in the place of sending them: a text file each, named by when
 * and to whom. It is told what the runtime says of them, line by line.
 */
export function openOutbox(dir: string): { add(line: string): void } {
  mkdirSync(dir, { recursive: true });
  let headers: Record<string, string> | undefined;
  let count = 0;
  return {
    add(line) {
      if (line.includes("send_email binding called")) headers = {};
      const [, name = "", value = ""] = /^(To|Subject|Text): (.*)$/.exec(line.trim()) ?? [];
      if (!headers || !name) return;
      headers[name] = value;
      if (name !== "Text") return;
      const { To: to = "", Subject: subject = "" } = headers;
      const file = `${Date.now()}-${process.pid}-${count++}-${to.replaceAll(/[^\w.@-]/g, "_")}.txt`;
      // Whole or not at all, for who looks into the folder.
      const draft = join(dir, `.${file}`);
      writeFileSync(draft, `To: ${to}\nSubject: ${subject}\n\n${readFileSync(value, "utf8")}`);
      renameSync(draft, join(dir, file));
      headers = undefined;
    },
  };
}
