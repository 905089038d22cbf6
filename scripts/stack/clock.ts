const minuteMs = 60_000;

/** Calls the Worker as Cloudflare's clock does (`wrangler.toml`); a call that fails is for the Worker's log. */
export function startClock(apiUrl: string): void {
  let minutes = 0;
  const call = (cron: string) =>
    fetch(`${apiUrl}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`).catch(() => {});
  setInterval(async () => {
    await call("* * * * *");
    if (++minutes % 5 === 0) await call("*/5 * * * *");
  }, minuteMs).unref();
}
