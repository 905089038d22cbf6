import { createApp } from "./app.ts";
import { ApiError } from "./core/error.ts";
import { parseSettings } from "./env.ts";
import { log } from "./http/log.ts";
import { createMisconfigured } from "./http/misconfigured.ts";
import { createPorts } from "./ports.ts";

type App = {
  fetch(request: Request, env: object, context: ExecutionContext): Response | Promise<Response>;
};
let app: App | undefined;

/** Settings are validated once per isolate; a deployment that lacks one says which, and serves nothing else. */
function build(env: object): App {
  try {
    const settings = parseSettings(env);
    const get: typeof fetch = (input, init) => fetch(input, init);
    return createApp({
      ports: createPorts(settings, get),
      limits: {
        timeoutMs: settings.DATABASE_TIMEOUT_MS,
        writers: settings.DATABASE_WRITERS,
        fetch: get,
      },
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
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log("error", "config_invalid", { detail: error.message });
    return createMisconfigured(error);
  }
}

export default {
  fetch(request, env, context) {
    app ??= build(env);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<object>;
