export type Message = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

/** Hands a message over to whoever delivers mail. Rejects when it was not taken. */
export type Mailer = (message: Message) => Promise<unknown>;

/** Cloudflare's `send_email` binding; in the local stack the same binding puts mails into files. */
export const sendEmail =
  (binding: SendEmail, from: string): Mailer =>
  (message) =>
    binding.send({ from, ...message });
