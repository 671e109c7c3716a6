/** E-mail through SMTP, or not at all: without a server the caller learns that nothing was sent and `holdfast admin` shows the link. */
import type { Transporter } from 'nodemailer'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** Further header fields, by name. */
  readonly headers?: Readonly<Record<string, string>>
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
  const { smtpUrl } = options
  let transport: Promise<Transporter> | null = null
  return {
    isConfigured: true,
    send: async (mail) => {
      transport ??= connect(smtpUrl)
      const { to, subject, text, headers = {} } = mail
      await (await transport).sendMail({ from: options.from, to, subject, text, headers: { ...headers } })
    },
  }
}

/** Loaded with the first mail: the library costs a start 100 ms and 10 MB, and many hubs have no mail server at all. */
async function connect(url: string): Promise<Transporter> {
  const { createTransport } = await import('nodemailer')
  return createTransport({ url, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 })
}
