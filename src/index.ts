import { createApp } from "./app.ts";
import { ApiError } from "./core/error.ts";
import { parseSettings, type Settings } from "./env.ts";
import { log } from "./http/log.ts";
import { createMisconfigured } from "./http/misconfigured.ts";
import type { Limits } from "./http/request-context.ts";
import { runJobs } from "./jobs.ts";
import { createJobScopes } from "./ports.jobs.ts";
import { createPorts } from "./ports.ts";

type App = {
  fetch(request: Request, env: object, context: ExecutionContext): Response | Promise<Response>;
};
let app: App | undefined;

/** Settings are validated once per isolate; a deployment that lacks one says which, and serves nothing else. */
function build(env: object): App {
  const settings = readSettings(env);
  if (settings instanceof ApiError) return createMisconfigured(settings);
  const limits = limitsOf(settings);
  return createApp({
    ports: createPorts(settings, limits.fetch),
    limits,
    cors: {
      origins: settings.CORS_ALLOW_ORIGINS,
      credentials: settings.CORS_ALLOW_CREDENTIALS,
    },
    docs: {
      title: settings.PROJECT_NAME,
      openapi: settings.OPENAPI_URL,
      docs: settings.DOCS_URL,
      redoc: settings.REDOC_URL,
    },
  });
}

function readSettings(env: object): Settings | ApiError {
  try {
    return parseSettings(env);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log("error", "config_invalid", { detail: error.message });
    return error;
  }
}

const limitsOf = (settings: Settings): Limits => ({
  timeoutMs: settings.DATABASE_TIMEOUT_MS,
  writers: settings.DATABASE_WRITERS,
  fetch: (input, init) => fetch(input, init),
});

export default {
  fetch(request, env, context) {
    app ??= build(env);
    return app.fetch(request, env, context);
  },
  async scheduled({ cron }, env) {
    const settings = readSettings(env);
    if (settings instanceof ApiError) return;
    await runJobs(cron, createJobScopes(settings, limitsOf(settings)));
  },
} satisfies ExportedHandler<object>;
