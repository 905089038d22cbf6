// The package ships no types; this is the part of it the local identity provider uses.
declare module "oidc-provider" {
  import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

  export type Context = {
    body: unknown;
    oidc: {
      account: { accountId: string };
      client: { clientId: string };
      params: Record<string, string | undefined>;
      provider: Provider;
    };
  };
  export type Token = {
    accountId?: string;
    /** The login this token belongs to; none for a token nobody logged in for. */
    sessionUid?: string;
    save(): Promise<string>;
  };
  export class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<object>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: object,
    ): Promise<void>;
    on(event: "server_error", listener: (context: unknown, error: Error) => void): this;
    registerGrantType(
      name: string,
      handler: (context: Context) => Promise<void>,
      parameters: string[],
    ): void;
    AccessToken: new (
      fields: object,
    ) => Token & { resourceServer: object };
    Grant: new (
      owner: object,
    ) => {
      addOIDCScope(scope: string): void;
      addResourceScope(resource: string, scope: string): void;
      save(): Promise<string>;
    };
    ResourceServer: new (
      identifier: string,
      info: object,
    ) => object;
  }
  export const errors: Record<
    "InvalidRequest" | "InvalidTarget",
    new (
      description?: string,
    ) => Error
  >;
}

declare module "oidc-provider/lib/adapters/memory_adapter.js" {
  export function createMemoryAdapter(): (model: string) => object;
}
