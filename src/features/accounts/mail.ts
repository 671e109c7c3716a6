/**
 * The queue `mail`. A job says whom to write to and about what; the secret link is made when the mail is sent, so that no job row ever
 * holds one. A repeated job makes a new link and ends the old one.
 */
import { z } from 'zod'
import { emailKey } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import type { Tx } from '../../platform/db/database.ts'
import { enqueue } from '../../platform/jobs/enqueue.ts'
import type { Mail } from '../../platform/mail/mailer.ts'
import { mailedResetMs, makeLink } from './links.ts'
import { emailsOf, findEmail, findUser, findVerifiedEmail } from './queries.ts'

const payloadSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verify-email'), emailId: z.string() }),
  z.object({ kind: z.literal('reset-password'), address: z.string() }),
  z.object({ kind: z.literal('password-changed'), userId: z.string() }),
])

type MailJob = z.infer<typeof payloadSchema>

/** Nothing where this hub has no mail server: an administrator shows the link then. */
export async function enqueueMail(hub: Hub, tx: Tx, job: MailJob): Promise<void> {
  if (hub.mailer.isConfigured) await enqueue(tx, 'mail', job)
}

export async function sendMail(hub: Hub, payload: unknown): Promise<void> {
  const mail = await compose(hub, payloadSchema.parse(payload))
  if (mail !== null) await hub.mailer.send(mail)
}

/** Null where there is nobody to write to any more, or never was: asking for a reset of an unknown address ends here, unseen. */
async function compose(hub: Hub, job: MailJob): Promise<Mail | null> {
  switch (job.kind) {
    case 'verify-email':
      return await verification(hub, job.emailId)
    case 'reset-password':
      return await reset(hub, job.address)
    case 'password-changed':
      return await passwordChanged(hub, job.userId)
  }
}

async function verification(hub: Hub, emailId: string): Promise<Mail | null> {
  const email = await findEmail(hub.db.read, emailId)
  const user = email === null ? null : await findUser(hub.db, email.userId)
  if (email === null || user?.state !== 'active' || email.verifiedAt !== null) return null
  const link = await hub.transaction((tx) =>
    makeLink(hub, tx, { purpose: 'verify-email', userId: user.id, emailId: email.id }),
  )
  return {
    to: email.address,
    subject: `Verify your address for ${hub.config.instanceName}`,
    text: lines(
      `The account "${user.name}" on ${hub.config.publicUrl} was given this address.`,
      'Open this link to verify that it is yours. It works once, for 48 hours:',
      link,
      'If this was not you, leave the link alone: nothing happens then.',
    ),
  }
}

async function reset(hub: Hub, address: string): Promise<Mail | null> {
  const email = await findVerifiedEmail(hub.db.read, emailKey(address))
  const user = email === null ? null : await findUser(hub.db, email.userId)
  if (email === null || user?.state !== 'active') return null
  const link = await hub.transaction((tx) =>
    makeLink(hub, tx, {
      purpose: 'reset-password',
      userId: user.id,
      emailId: email.id,
      lifetime: mailedResetMs,
    }),
  )
  return {
    to: email.address,
    subject: `A new password for ${hub.config.instanceName}`,
    text: lines(
      `Somebody asked for a new password for your account "${user.name}" on ${hub.config.publicUrl}.`,
      'Open this link to choose one. It works once, for one hour:',
      link,
      'If this was not you, leave the link alone: your password stays as it is.',
    ),
  }
}

async function passwordChanged(hub: Hub, userId: string): Promise<Mail | null> {
  const user = await findUser(hub.db, userId)
  const email = (await emailsOf(hub.db.read, userId)).find((row) => row.isPrimary === 1 && row.verifiedAt !== null)
  if (user?.state !== 'active' || email === undefined) return null
  return {
    to: email.address,
    subject: `Your password for ${hub.config.instanceName} was changed`,
    text: lines(
      `The password of your account "${user.name}" on ${hub.config.publicUrl} was changed.`,
      `If this was not you, choose a new one at ${hub.config.publicUrl}/password-reset and look through your sessions and tokens.`,
    ),
  }
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n\n')}\n`
}
