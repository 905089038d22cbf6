import { type Budget, openRegistryDb, openTenantDb } from "./db/connect.ts";
import type { FleetSettings, Settings } from "./env.ts";
import type { Ports } from "./http/context.ts";
import { describeCauses, log } from "./http/log.ts";
import { auth0Provider } from "./identity/auth0.ts";
import type { IdentityProvider } from "./identity/identity-provider.ts";
import { unmanagedProvider } from "./identity/none.ts";
import { acceptLink, invitationMessage } from "./mail/invitation.ts";
import { sendEmail } from "./mail/mailer.ts";
import type { ObjectStore } from "./object-store/object-store.ts";
import { r2Store } from "./object-store/r2.ts";
import type { Platform } from "./platform/platform.ts";
import { sqldLocator, sqldPlatform } from "./platform/sqld.ts";
import { locateAtTurso, tursoPlatform } from "./platform/turso.ts";
import type { FleetScope, RegistryScope } from "./registry/scope.ts";

const identityMs = 4000;
export const dayMs = 86_400_000;

export const registryOf = (
  settings: Pick<
    Settings,
    "GLOBAL_DATABASE_URL" | "GLOBAL_DATABASE_NAMESPACE" | "GLOBAL_AUTH_TOKEN"
  >,
  budget: Budget,
) =>
  openRegistryDb(
    {
      url: settings.GLOBAL_DATABASE_URL,
      namespace: settings.GLOBAL_DATABASE_NAMESPACE,
      token: settings.GLOBAL_AUTH_TOKEN,
    },
    budget,
  );

/** Where databases are, for whoever need not make any. */
export const locatorOf = ({ PLATFORM, SQLD_URL }: FleetSettings): Pick<Platform, "locate"> => ({
  locate: PLATFORM === "sqld" && SQLD_URL ? sqldLocator(SQLD_URL) : locateAtTurso,
});

/** What bringing tenants up to date takes beside the registry. */
export const fleetOf = (
  {
    ENCRYPTION_KEY: keyRing,
    MIGRATION_LEASE_SECONDS: seconds,
  }: Pick<Settings, "ENCRYPTION_KEY" | "MIGRATION_LEASE_SECONDS">,
  platform: FleetScope["platform"],
  budget: Budget,
): Omit<FleetScope, keyof RegistryScope> => ({
  platform,
  keyRing,
  migrationLeaseMs: seconds * 1000,
  openForMigration: (address, id, ms) =>
    openTenantDb(address, { ...budget, timeoutMs: ms, deadline: Date.now() + ms }, id),
});

export function platformOf(settings: Settings, get: typeof fetch): Platform {
  const { platform } = settings;
  const common = {
    tokenDays: settings.DATABASE_TOKEN_DAYS,
    timeoutMs: settings.DATABASE_TIMEOUT_MS,
    fetch: get,
  };
  if (platform.kind === "sqld") return sqldPlatform({ ...platform, ...common });
  return tursoPlatform({ ...platform, ...common });
}

/** Where backups are kept, if anywhere. */
export const storeOf = ({ BACKUPS }: Settings): ObjectStore | undefined =>
  BACKUPS && r2Store(BACKUPS);

/** For the isolate: it remembers a token. */
export function identityProviderOf(
  { management }: Settings,
  get: typeof fetch,
  timeoutMs = identityMs,
): IdentityProvider {
  if (!management) return unmanagedProvider;
  return auth0Provider({ ...management, timeoutMs, fetch: get });
}

/** Mails that do not leave are an entry in the log, never a failed request. */
export function postOf({ mail, FRONTEND_URL }: Settings, people: IdentityProvider): Ports["post"] {
  if (!mail) return () => async () => false;
  const mailer = sendEmail(mail.binding, mail.from);
  return ({ organizationId }, { requestId }) =>
    async ({ token, ...letter }) => {
      const { to: email, name } = letter;
      try {
        const account = { email, name: name ?? email, organizationId, returnTo: FRONTEND_URL };
        const passwordLink = await people.invite(account);
        const link = acceptLink(FRONTEND_URL, token);
        await mailer(invitationMessage(letter, link, passwordLink));
        return true;
      } catch (error) {
        log("error", "mail_failed", { requestId, causes: describeCauses(error) });
        return false;
      }
    };
}
