import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { asHtml } from "../core/text.ts";
import type { PublicEnv } from "./context.ts";
import { openapiDocument } from "./document.ts";

export type DocsSettings = {
  readonly title: string;
  /** Paths; an empty one is off. */
  readonly openapi: string;
  readonly docs: string;
  readonly redoc: string;
};

/** Where the pages' scripts and styles are served from, copied there by `npm run assets`. */
const assets = "/docs-assets";

/** The OpenAPI document and the two pages that show it. The document is built once per isolate. */
export function mountDocs(
  app: OpenAPIHono<PublicEnv>,
  settings: DocsSettings,
  tenantHeader: string,
): void {
  let document: string | undefined;
  const { openapi, docs, redoc, title } = settings;
  if (openapi) {
    app.get(openapi, (c) => {
      document ??= JSON.stringify(openapiDocument(app, title, tenantHeader));
      return c.body(document, 200, { "content-type": "application/json" });
    });
    app.get("/api/openapi.json", (c) => c.redirect(openapi));
  }
  if (docs && openapi) {
    app.get(docs, (c) => page(c, swagger(title, openapi)));
    app.get("/api/docs", (c) => c.redirect(docs));
  }
  if (redoc && openapi) {
    app.get(redoc, (c) => page(c, redocly(title, openapi)));
    app.get("/api/redoc", (c) => c.redirect(redoc));
  }
}

/** Scripts from this host only; the pages need styles of their own making. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'";

const page = (c: Context, html: string) => c.html(html, 200, { "content-security-policy": policy });

const shell = (title: string, head: string, content: string) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${asHtml(title)}</title>` +
  '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">' +
  `<style>body{margin:0}</style>${head}</head><body>${content}</body></html>`;

const swagger = (title: string, openapi: string) =>
  shell(
    title,
    `<link rel="stylesheet" href="${assets}/swagger-ui.css">`,
    `<div id="ui" data-document="${asHtml(openapi)}"></div>` +
      `<script src="${assets}/swagger-ui-bundle.js"></script><script src="${assets}/swagger.js"></script>`,
  );

const redocly = (title: string, openapi: string) =>
  shell(
    title,
    "",
    `<redoc spec-url="${asHtml(openapi)}" disable-google-font></redoc>` +
      `<script src="${assets}/redoc.standalone.js"></script>`,
  );
