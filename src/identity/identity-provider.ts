/** Who holds people's accounts and lets them sign in. Every method may be repeated. */
export type IdentityProvider = {
  readonly kind: "auth0" | "none";
  /**
   * Makes sure that this person has an account and, where there is one, is in the organisation.
   * Returns a one-time link at which they choose their password, or null if they have an account
   * and just sign in; one that only invitations made, and nobody has signed in with, is as good as
   * none. Which of both it is, is for the person alone to know, and so for the mail only.
   */
  invite(person: Invited): Promise<string | null>;
  /** False when the provider has no such user. */
  setBlocked(subject: string, blocked: boolean): Promise<boolean>;
  /** From now on the secondary signs in as the primary; done already is done. */
  link(primarySubject: string, secondarySubject: string): Promise<void>;
};

export type Invited = {
  readonly email: string;
  readonly name: string;
  /** The provider's, not ours. */
  readonly organizationId: string | null;
  /** Where the link leads once the password is chosen. */
  readonly returnTo: string;
};
