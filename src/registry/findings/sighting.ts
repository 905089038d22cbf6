export type Sighting = {
  readonly subject: string;
  readonly tenantId: string | null;
  readonly detail: string;
};
/** `complete` where what was not seen is not there. */
export type Seen = { readonly sightings: readonly Sighting[]; readonly complete: boolean };

/** The names at the platform, where it has a list of them. */
export type Listed = ReadonlySet<string> | undefined;
