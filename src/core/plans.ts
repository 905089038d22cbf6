const dayMs = 86_400_000;

/** For how many days a backup is kept, by plan. */
const backupDays: Readonly<Record<string, number>> = { basic: 7, pro: 30, enterprise: 90 };

/** How long a backup is kept. A plan nobody knows is the smallest. */
export const backupMsOf = (plan: string): number => (backupDays[plan] ?? 7) * dayMs;
