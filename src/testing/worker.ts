import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type Request as MiniflareRequest,
  Response as MiniflareResponse,
} from "miniflare";
import { openOutbox } from "../../scripts/stack/outbox.ts";

export type RunningWorker = {
  readonly url: string;
  /** Every structured log line since the start, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Has the clock call, and waits until the Worker is done. */
  scheduled(): Promise<void>;
  stop(): Promise<void>;
};

/** The built bundle in workerd, with its own isolate and its own caches, on a free port. */
export async function startWorker({
  bundle,
  settings,
  outbox,
  outbound,
}: {
  bundle: string;
  settings: Record<string, string>;
  /** Where mails go; without it the Worker sends none. */
  outbox?: string;
  /** Answers every request the Worker makes, in the place of the network. */
  outbound?: (request: Request) => Promise<Response>;
}): Promise<RunningWorker> {
  const lines: Record<string, unknown>[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: outbox ? new MailLog(outbox) : new Log(LogLevel.ERROR),
      structuredWorkerdLogs: true,
      handleStructuredLogs: ({ message }) => {
        lines.push(...parseLines(message));
      },
      workers: [
        {
          name: "tenantry",
          rootPath: dirname(bundle),
          modulesRoot: dirname(bundle),
          modules: [{ type: "ESModule", path: bundle }],
          compatibilityDate: deployed("compatibility_date") as string,
          compatibilityFlags: deployed("compatibility_flags") as string[],
          bindings: settings,
          r2Buckets: ["BACKUPS"],
          ...(outbox ? { email: { send_email: [{ name: "EMAIL" }] } } : {}),
          ...(outbound ? { outboundService: inPlaceOfNetwork(outbound) } : {}),
        },
      ],
    }),
  );
  const url = (await miniflare.ready).origin;
  const scheduled = async () => {
    // Miniflare's types lack those of the runtime.
    const worker = (await miniflare.getWorker()) as unknown as Clocked;
    const { outcome } = await worker.scheduled();
    if (outcome !== "ok") throw new Error(`The call of the clock ended ${outcome}`);
  };
  return { url, lines, scheduled, stop: () => miniflare.dispose() };
}

type Clocked = { scheduled(): Promise<{ outcome: string }> };

/** The runtime tells of a mail in its log, and where it put the text. */
class MailLog extends Log {
  readonly #outbox: ReturnType<typeof openOutbox>;
  constructor(dir: string) {
    super(LogLevel.INFO);
    this.#outbox = openOutbox(dir);
  }
  override logWithLevel(level: LogLevel, message: string): void {
    for (const line of message.split("\n")) this.#outbox.add(line);
    if (level <= LogLevel.ERROR) super.logWithLevel(level, message);
  }
}

const wranglerToml = readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8");
/** What the Worker is deployed with: TOML writes strings, and lists of them on a line, as JSON does. */
const deployed = (key: string): unknown =>
  JSON.parse(new RegExp(`^${key} = (.+)$`, "m").exec(wranglerToml)?.[1] ?? "null");

const parseLines = (text: string) =>
  text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });

/** Miniflare's Request and Response are of its own making: Node's do not take their place. */
const inPlaceOfNetwork =
  (outbound: (request: Request) => Promise<Response>) =>
  async (asked: MiniflareRequest): Promise<MiniflareResponse> => {
    const { url, method } = asked;
    const body = (await asked.text()) || null;
    const request = new Request(url, {
      method,
      body,
      headers: [...asked.headers],
      redirect: "manual",
    });
    const response = await outbound(request);
    const { status } = response;
    return new MiniflareResponse(await response.text(), { status, headers: [...response.headers] });
  };
