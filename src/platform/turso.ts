import { ApiError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import type { Platform } from "./platform.ts";

export type TursoSettings = {
  readonly apiUrl: string;
  readonly apiToken: Secret;
  readonly organization: string;
  readonly group: string;
  readonly tokenDays: number;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
};

export const tursoPlatform = (_settings: TursoSettings): Platform => {
  throw new ApiError("config_invalid", "PLATFORM turso is not there yet");
};
