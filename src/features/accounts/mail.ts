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
import { composeInvitation } from '../organizations/service.ts'
import { mailedResetMs, makeLink } from './links.ts'
import { emailsOf, findEmail, findUser, findVerifiedEmail } from './queries.ts'

const factorChanges = [
  'app-added',
  'app-removed',
  'passkey-added',
  'passkey-removed',
  'recovery-codes-made',
  'recovery-code-used',
  'company-connected',
  'company-disconnected',
  'reset',
] as const

export type FactorChange = (typeof factorChanges)[number]

const factorWords: Readonly<Record<FactorChange, string>> = {
  'app-added': 'An authenticator app was added to your account',
  'app-removed': 'The authenticator app was removed from your account',
  'passkey-added': 'A passkey was added to your account',
  'passkey-removed': 'A passkey was removed from your account',
  'recovery-codes-made': 'New recovery codes were made for your account',
  'recovery-code-used': 'A recovery code was used to sign in to your account',
  'company-connected': "A company's sign-in was connected with your account",
  'company-disconnected': "A company's sign-in was disconnected from your account",
  reset: 'An administrator took all second factors away from your account',
}

const payloadSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('verify-email'), emailId: z.string() }),
  z.object({ kind: z.literal('reset-password'), address: z.string() }),
  z.object({ kind: z.literal('password-changed'), userId: z.string() }),
  z.object({ kind: z.literal('second-factor'), userId: z.string(), change: z.enum(factorChanges) }),
  z.object({ kind: z.literal('invitation'), invitationId: z.string() }),
  z.object({
    kind: z.literal('token-leaked'),
    userId: z.string(),
    owner: z.string(),
    token: z.string(),
    last4: z.string(),
    /** Where it stood, as far as the reader may know. */
    repo: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('token-waits'),
    userId: z.string(),
    owner: z.string(),
    last4: z.string(),
    organization: z.string(),
  }),
  z.object({
    kind: z.literal('token-judged'),
    userId: z.string(),
    token: z.string(),
    last4: z.string(),
    organization: z.string(),
    verdict: z.enum(['approved', 'denied', 'revoked']),
  }),
  z.object({
    kind: z.literal('break-glass'),
    userId: z.string(),
    organization: z.string(),
    who: z.string(),
    until: z.number(),
    reason: z.string(),
  }),
  z.object({
    kind: z.literal('access-asked'),
    /** One of the two. */
    userId: z.string().nullable(),
    address: z.string().nullable(),
    repo: z.string(),
    /** Where it is decided. */
    path: z.string(),
    /** Null where it is told of several together. */
    who: z.string().nullable(),
    count: z.number(),
  }),
  z.object({
    kind: z.literal('access-decided'),
    userId: z.string(),
    /** The person, or the service account that it was asked for. */
    who: z.string(),
    repo: z.string(),
    path: z.string(),
    status: z.enum(['accepted', 'rejected']),
    reason: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('token-reused'),
    /** Who reads it: a person, or an address that an organization names for a service account. */
    userId: z.string().optional(),
    address: z.string().optional(),
    owner: z.string(),
    token: z.string(),
    last4: z.string(),
    at: z.number(),
    ip: z.string().nullable(),
    program: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('honey-used'),
    userId: z.string().optional(),
    address: z.string().optional(),
    owner: z.string(),
    token: z.string(),
    /** Where it lay. */
    place: z.string(),
    last4: z.string(),
    at: z.number(),
    ip: z.string().nullable(),
    program: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('webhook-off'),
    userId: z.string(),
    organization: z.string(),
    /** The whole address may hold a secret of the receiver's. */
    host: z.string(),
    error: z.string(),
    /** Where it is switched on again. */
    path: z.string(),
  }),
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
    case 'second-factor':
      return await factorChanged(hub, job.userId, job.change)
    case 'token-leaked':
      return await tokenLeaked(hub, job)
    case 'token-waits':
      return await tokenWaits(hub, job)
    case 'token-judged':
      return await tokenJudged(hub, job)
    case 'break-glass':
      return await glassBroken(hub, job)
    case 'access-asked':
      return await accessAsked(hub, job)
    case 'access-decided':
      return await accessDecided(hub, job)
    case 'token-reused':
      return await tokenReused(hub, job)
    case 'honey-used':
      return await honeyUsed(hub, job)
    case 'webhook-off':
      return await webhookOff(hub, job)
    case 'invitation':
      return await composeInvitation(hub, job.invitationId)
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
  const reached = await reach(hub, userId)
  if (reached === null) return null
  return {
    to: reached.address,
    subject: `Your password for ${hub.config.instanceName} was changed`,
    text: lines(
      `The password of your account "${reached.name}" on ${hub.config.publicUrl} was changed.`,
      `If this was not you, choose a new one at ${hub.config.publicUrl}/password-reset and look through your sessions and tokens.`,
    ),
  }
}

async function factorChanged(hub: Hub, userId: string, change: FactorChange): Promise<Mail | null> {
  const reached = await reach(hub, userId)
  if (reached === null) return null
  const words = factorWords[change]
  return {
    to: reached.address,
    subject: `${words} on ${hub.config.instanceName}`,
    text: lines(
      `${words} "${reached.name}" on ${hub.config.publicUrl}.`,
      `If this was not you, change your password at ${hub.config.publicUrl}/settings/authentication and look through your second factors, sessions and tokens.`,
    ),
  }
}

async function tokenLeaked(hub: Hub, job: Extract<MailJob, { kind: 'token-leaked' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  const where = job.repo === null ? 'was found where others could read it' : `was pushed to ${job.repo}`
  return {
    to: reached.address,
    subject: `An access token leaked on ${hub.config.instanceName}, and is revoked`,
    text: lines(
      `The access token "${job.token}" (hf_…${job.last4}) of ${job.owner} ${where} on ${hub.config.publicUrl}.`,
      'It was revoked at once: nobody can use it any more, and what used it needs a new one.',
      'Whoever had it until then could do what it may. The audit log says what was done with it. Keep tokens in secrets or environment variables, never in files.',
    ),
  }
}

async function tokenWaits(hub: Hub, job: Extract<MailJob, { kind: 'token-waits' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  const { publicUrl } = hub.config
  return {
    to: reached.address,
    subject: `An access token waits for approval in ${job.organization}`,
    text: lines(
      `${job.owner} made or changed a fine-grained access token (hf_…${job.last4}) that lists things of ${job.organization} on ${publicUrl}.`,
      'It does nothing there until an administrator approves it:',
      `${publicUrl}/organizations/${encodeURIComponent(job.organization)}/settings/tokens?waiting=true`,
    ),
  }
}

async function glassBroken(hub: Hub, job: Extract<MailJob, { kind: 'break-glass' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  const { publicUrl } = hub.config
  const settings = `${publicUrl}/organizations/${encodeURIComponent(job.organization)}/settings`
  return {
    to: reached.address,
    subject: `${job.who} administers ${job.organization} in an emergency`,
    text: lines(
      `${job.who}, an administrator of ${publicUrl}, took over the administration of ${job.organization} until ${new Date(job.until).toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
      `The reason that was given: ${job.reason}`,
      'You can end it now, and decide whether it can be taken at all:',
      `${settings}/emergency`,
      'What is done meanwhile stands in the audit log:',
      `${settings}/audit-log`,
    ),
  }
}

async function accessAsked(hub: Hub, job: Extract<MailJob, { kind: 'access-asked' }>): Promise<Mail | null> {
  const to = job.userId === null ? job.address : ((await reach(hub, job.userId))?.address ?? null)
  if (to === null) return null
  const asked =
    job.who === null ? `${job.count === 1 ? '1 request waits' : `${job.count} requests wait`}` : `${job.who} asks`
  return {
    to,
    subject: `${asked} for access to ${job.repo} on ${hub.config.instanceName}`,
    text: lines(
      `${asked} for access to the files of ${job.repo} on ${hub.config.publicUrl}.`,
      'Read what was said, and accept or reject it:',
      `${hub.config.publicUrl}${job.path}`,
    ),
  }
}

async function webhookOff(hub: Hub, job: Extract<MailJob, { kind: 'webhook-off' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  return {
    to: reached.address,
    subject: `A security webhook of ${job.organization} was switched off`,
    text: lines(
      `The security webhook of ${job.organization} on ${hub.config.publicUrl} to ${job.host} took nothing for five days, and was switched off. ${job.error}`,
      'What happens meanwhile is sent once it is on again. See to its receiver, and switch it on:',
      `${hub.config.publicUrl}${job.path}`,
    ),
  }
}

const judgedWords = {
  approved: 'was approved: it works there now',
  denied: 'was not approved: it does nothing there',
  revoked: 'was revoked there, for good; elsewhere it still works',
} as const

async function tokenJudged(hub: Hub, job: Extract<MailJob, { kind: 'token-judged' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  return {
    to: reached.address,
    subject: `Your access token for ${job.organization} was ${job.verdict}`,
    text: lines(
      `Your access token "${job.token}" (hf_…${job.last4}) for ${job.organization} on ${hub.config.publicUrl} ${judgedWords[job.verdict]}.`,
      `An administrator of ${job.organization} decided so. Ask them if you do not know why.`,
    ),
  }
}

async function accessDecided(hub: Hub, job: Extract<MailJob, { kind: 'access-decided' }>): Promise<Mail | null> {
  const reached = await reach(hub, job.userId)
  if (reached === null) return null
  const isOwn = job.who === reached.name
  const whose = isOwn ? 'Your request' : `The request for the ${job.who}`
  const words = job.status === 'accepted' ? 'was accepted' : 'was rejected'
  return {
    to: reached.address,
    subject: `${whose} for access to ${job.repo} ${words}`,
    text: lines(
      `${whose} for access to the files of ${job.repo} on ${hub.config.publicUrl} ${words}.`,
      ...(job.reason === null ? [] : [`The reason that was given: ${job.reason}`]),
      `${hub.config.publicUrl}${job.path}`,
    ),
  }
}

async function honeyUsed(hub: Hub, job: Extract<MailJob, { kind: 'honey-used' }>): Promise<Mail | null> {
  const to = job.userId === undefined ? job.address : (await reach(hub, job.userId))?.address
  if (to === undefined) return null
  const by = job.program === null ? 'by a program that does not say what it is' : `by "${job.program.slice(0, 200)}"`
  return {
    to,
    subject: `A honey token was used on ${hub.config.instanceName}`,
    text: lines(
      `Somebody used the honey token "${job.token}" (hf_…${job.last4}) of ${job.owner} on ${hub.config.publicUrl}. It opens nothing, and was refused like a deleted token.`,
      `It came from ${job.ip ?? 'an unknown address'}, ${by}, at ${new Date(job.at).toISOString()}.`,
      job.place === '' ? 'Nobody wrote down where it lay.' : `It lay here: ${job.place}`,
      'Whoever used it has searched that place. Refresh the real tokens that lie near it, and look in the audit log for what was done with them.',
      'You are told at most once a day for each honey token.',
    ),
  }
}

async function tokenReused(hub: Hub, job: Extract<MailJob, { kind: 'token-reused' }>): Promise<Mail | null> {
  const to = job.userId === undefined ? job.address : (await reach(hub, job.userId))?.address
  if (to === undefined) return null
  const by = job.program === null ? 'by a program that does not say what it is' : `by "${job.program.slice(0, 200)}"`
  return {
    to,
    subject: `A dead access token was used on ${hub.config.instanceName}`,
    text: lines(
      `Somebody used a value of the access token "${job.token}" (hf_…${job.last4}) of ${job.owner} on ${hub.config.publicUrl} that was refreshed or deleted before. It was refused.`,
      `It came from ${job.ip ?? 'an unknown address'}, ${by}, at ${new Date(job.at).toISOString()}.`,
      'If this is a program of yours, give it the new value. If not, somebody had this value: look in the audit log for what was done with it while it was valid.',
      'You are told at most once a day for each token.',
    ),
  }
}

/** Where this person reads mail: an address that they have proved. */
export async function reach(hub: Hub, userId: string): Promise<{ address: string; name: string } | null> {
  const user = await findUser(hub.db, userId)
  const email = (await emailsOf(hub.db.read, userId)).find((row) => row.isPrimary === 1 && row.verifiedAt !== null)
  return user?.state !== 'active' || email === undefined ? null : { address: email.address, name: user.name }
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n\n')}\n`
}
