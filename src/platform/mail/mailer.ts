/** E-mail through SMTP, or not at all: without a server the caller learns that nothing was sent and `holdfast admin` shows the link. */
import { createTransport } from 'nodemailer'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

export interface Mailer {
  readonly isConfigured: boolean
  /** Throws if the server refuses; the caller is a job, which tries again. */
  send(mail: Mail): Promise<void>
}

export function openMailer(options: { smtpUrl: string | null; from: string }): Mailer {
  if (options.smtpUrl === null) {
    return {
      isConfigured: false,
      send: () => Promise.reject(new Error('No mail server is configured (HOLDFAST_SMTP_URL).')),
    }
  }
  const transport = createTransport({
    url: options.smtpUrl,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
  })
  return {
    isConfigured: true,
    send: async (mail) => {
      await transport.sendMail({ from: options.from, to: mail.to, subject: mail.subject, text: mail.text })
    },
  }
}
