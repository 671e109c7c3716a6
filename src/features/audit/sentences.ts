/** What an event says in words: one sentence for each action that is ever recorded, in the past tense, of whoever did it. */
import type { EventData } from '../../domain/event.ts'
import type { Action, permissions } from '../../domain/permissions.ts'
import { runWords } from '../../domain/publisher.ts'

/** What a sentence is made of. */
export interface Told {
  readonly action: string
  readonly resourceKind: string
  /** What the thing was called then. */
  readonly name: string
  readonly data: EventData
}

type Sentence = (told: Told) => string

type AuditedAction = {
  [A in Action]: (typeof permissions)[A]['audited'] extends true ? A : never
}[Action]

const sentences = {
  'account.join': ({ name, data }) => `Made the account ${name}${by(data, 'way')}`,
  'account.recover': ({ name }) => `Used a link sent by e-mail to ${name}`,
  'account.update': ({ name, data }) =>
    data.tokenMail === undefined
      ? `Changed the profile of ${name}`
      : `Switched the weekly mail about tokens ${data.tokenMail === 'off' ? 'off' : 'on'} for ${name}`,
  'account.delete': ({ name }) => `Deleted the account ${name}`,
  'account.second_factor.update': ({ name }) => `Changed the second factors of ${name}`,
  'account.second_factor.add': ({ name }) => `Added a second factor of ${name}`,
  'account.second_factor.remove': ({ name }) => `Removed a second factor of ${name}`,
  'account.second_factor.refuse': ({ name }) => `Refused a wrong second factor for ${name}`,
  'account.recovery_code.create': ({ name }) => `Made new recovery codes for ${name}`,
  'account.recovery_code.use': ({ name }) => `Used a recovery code of ${name}`,
  'account.company.update': ({ name }) => `Changed how ${name} signs in through the company`,
  'account.company.connect': ({ name, data }) => `Connected the account ${name} with the company's sign-in${as(data)}`,
  'account.company.disconnect': ({ name, data }) =>
    `Disconnected the account ${name} from the company's sign-in${as(data)}`,
  'session.refresh': ({ name }) => `Confirmed to be ${name}`,
  'session.create': ({ name, data }) => `Signed in as ${name}${on(data, 'device')}`,
  'session.delete': ({ name, data }) => `Ended ${data.others === true ? 'all other sessions' : 'a session'} of ${name}`,
  'user.create': ({ name }) => `Made an account for ${name}`,
  'user.make_link': ({ name, data }) =>
    `Made a link for ${name} ${data.purpose === 'reset-password' ? 'that sets a password' : 'that verifies an address'}`,
  'user.set_admin': ({ name, data }) =>
    data.admin === false
      ? `Took the administration of this hub from ${name}`
      : `Made ${name} an administrator of this hub`,
  'user.reset_second_factor': ({ name }) => `Took all second factors from ${name}`,
  'user.deactivate': ({ name }) => `Deactivated the account ${name}`,
  'user.activate': ({ name }) => `Activated the account ${name} again`,

  'announcement.write': ({ data }) =>
    data.removed === true ? 'Took back an announcement' : `Announced: ${text(data, 'text') ?? ''}`,
  'job.retry': ({ data }) =>
    `${data.dropped === true ? 'Dropped' : 'Tried again'} a failed job (${text(data, 'queue') ?? 'unknown'})`,
  'storage.collect': ({ data }) =>
    data.asked === true
      ? 'Asked for stored bytes that nothing needs to be removed now'
      : 'Removed stored bytes that nothing needed',
  'storage.scrub': () => 'Checked stored bytes against their hashes',

  'user.gpg_key.create': (told) => keySentence('Added', told),
  'user.gpg_key.update': (told) => keySentence('Renewed', told),
  'user.gpg_key.delete': (told) => keySentence('Deleted', told),
  'user.ssh_key.create': (told) => keySentence('Added', told),
  'user.ssh_key.delete': (told) => keySentence('Deleted', told),
  'org.service_account.key.create': (told) => keySentence('Added', told),
  'org.service_account.key.update': (told) => keySentence('Renewed', told),
  'org.service_account.key.delete': (told) => keySentence('Deleted', told),
  'org.model_key.create': ({ name, data }) => `Trusted ${text(data, 'key') ?? 'a key'} to sign models of ${name}`,
  'org.model_key.delete': ({ name, data }) =>
    `Took ${text(data, 'key') ?? 'a key'} from those trusted to sign models of ${name}`,
  'org.signed_models.update': (told) => signedModelsSentence(told),
  'resource_group.signed_models': (told) => signedModelsSentence(told),
  'org.signing_policy.update': (told) => policySentence(told),
  'org.signing_policy.bypass': (told) => bypassSentence(told),
  'repo.signing_policy.update': (told) => policySentence(told),
  'repo.signing_policy.bypass': (told) => bypassSentence(told),

  'repo.signing_policy.bypassed': ({ name, data }) =>
    `Pushed ${text(data, 'commits') ?? ''} commits past the signing policy of ${name}`,

  'oauth.token': (told) => `Got the ${tokenWords(told)} at the token endpoint`,
  'oauth.refresh': (told) => `Refreshed the ${tokenWords(told)} at the token endpoint`,
  'oauth.replayed': (told) =>
    `Ended the ${tokenWords(told)}: a ${text(told.data, 'what') ?? 'code'} of the application was used a second time`,
  'oauth.revoke': (told) => `Ended the ${tokenWords(told)} at the request of its application`,
  'oauth.sign_in': ({ name }) => `Signed in to the application ${name}`,
  'oauth.authorize': ({ name, data }) =>
    `Let the application ${name} act in one's name${data.device === true ? ' on a device' : ''}: ${text(data, 'scope') ?? ''}`,
  'oauth.deny': ({ name }) => `Denied the application ${name}`,
  'oauth.connection.delete': ({ name, data }) => `Disconnected the application ${name}${tokensGone(data)}`,
  'oauth.client.create': ({ name }) => `Registered the application ${name}`,
  'oauth.client.update': ({ name, data }) =>
    data.secret === true ? `Gave the application ${name} a new secret` : `Changed the application ${name}`,
  'oauth.client.delete': ({ name, data }) => `Deleted the application ${name}${tokensGone(data)}`,

  'token.lookup': ({ data }) => `Looked up tokens by the SHA-256 of ${text(data, 'asked') ?? 'some'} values`,
  'token.create': (told) => `Created the ${tokenWords(told)}`,
  'token.derive': (told) =>
    `Derived the child ${tokenWords(told)} from the token ${text(told.data, 'parentName') ?? ''}`,
  'token.update': (told) => `Edited the ${tokenWords(told)}`,
  'token.rotate': (told) => `Refreshed the ${tokenWords(told)}`,
  'token.finish_rotation': (told) => `Ended the old value${oldLast4(told.data)} of the ${tokenWords(told)}`,
  'token.reused': (told) =>
    `Refused a dead value of the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'somebody'}, which somebody used`,
  'token.fenced': (told) =>
    `Refused the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'somebody'}, which was used outside of its limits: its networks, its days, its programs or its files`,
  'token.leaked': (told) =>
    `Revoked the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'somebody'}, ${exposure(told.data)}`,
  'repo.leaked_token': ({ name, data }) =>
    `Pushed a live access token${last4(data)} of ${text(data, 'owner') ?? 'somebody'} to ${name}, in ${text(data, 'place') ?? 'a file'}: it was revoked, the push ${text(data, 'push') ?? 'recorded'}`,
  'repo.allow_secrets': ({ name, data }) =>
    `Pushed ${text(data, 'count') ?? 'what look like'} secrets to ${name} past push protection: ${text(data, 'reason') ?? ''}`,
  'org.company_group.update': ({ name }) => `Changed what groups of the company give in ${name}`,
  'org.company_group.add': ({ name, data }) =>
    `Let the company's group ${text(data, 'companyGroup') ?? ''} give something in ${text(data, 'in') ?? name}${role(data)}`,
  'org.company_group.remove': ({ name, data }) =>
    `Took away what the company's group ${text(data, 'companyGroup') ?? ''} gives in ${name}`,
  'org.company_group.no_seat': ({ name }) => `Had no seat for ${name}, whom a group of the company would take in`,
  'org.company_group.kept': ({ name }) => `Kept the last administrator ${name}, whom no group of the company makes one`,
  'download.checkpoint': ({ data }) => `Signed the chain of audited downloads up to seal ${text(data, 'number') ?? ''}`,
  'download.prune': ({ data }) =>
    `Pruned audited downloads up to seal ${text(data, 'through') ?? ''}; hashes were kept`,
  'org.download_audit.update': ({ name, data }) =>
    `Decided which downloads from ${name} are audited: ${text(data, 'to') ?? ''}`,
  'org.webhook.write': ({ data }) => `Security webhook ${text(data, 'id') ?? ''}: ${text(data, 'change') ?? 'changed'}`,
  'webhook.write': ({ data }) => `Security webhook ${text(data, 'id') ?? ''}: ${text(data, 'change') ?? 'changed'}`,
  'webhook.switched_off': ({ data }) =>
    `Switched off the security webhook ${text(data, 'id') ?? ''}, which failed for days`,
  'org.access_file.apply': ({ name, data }) =>
    `Applied a file of access to ${name}: ${Number(data.changes ?? 0)} ${data.changes === 1 ? 'change' : 'changes'}`,
  'org.token_policy.update': ({ name }) => `Changed which access tokens ${name} takes`,
  'org.create_token': ({ name, data }) => `Made the deprecated token${last4(data)} of ${name}${role(data)}`,
  'org.rotate_token': ({ name, data }) => `Refreshed the deprecated token${last4(data)} of ${name}`,
  'org.delete_token': ({ name, data }) => `Deleted the deprecated token${last4(data)} of ${name}`,
  'org.break_glass': ({ name, data }) =>
    `Took over ${name} in an emergency until ${text(data, 'until') ?? 'later'}: ${text(data, 'reason') ?? ''}`,
  'org.break_glass_policy.update': ({ name, data }) =>
    `Decided that ${name} takes ${data.enabled === true ? '' : 'no '}emergency administration`,
  'org.token.approve': (told) => `Approved the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'a member'}`,
  'org.token.deny': (told) => `Denied the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'a member'}`,
  'org.token.revoke': (told) =>
    `Revoked the ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'a member'} for the organization`,
  'token.honey.create': ({ name }) => `Made the honey token ${name}`,
  'token.honey.delete': ({ name }) => `Deleted the honey token ${name}`,
  'org.honey_token.create': ({ name }) => `Made the honey token ${name} for the organization`,
  'org.honey_token.delete': ({ name }) => `Deleted the honey token ${name} of the organization`,
  'token.new_address': (told) =>
    `The ${tokenWords(told)} of ${text(told.data, 'owner') ?? 'somebody'} was used from an address that it had not come from`,
  'token.honey_used': ({ name, data }) =>
    `Somebody used the honey token ${name} of ${text(data, 'owner') ?? 'somebody'}${text(data, 'place') ? `, which lay in ${text(data, 'place')}` : ''}`,
  'token.delete': (told) => `Deleted the ${tokenWords(told)}`,

  'org.create': ({ name }) => `Created the organization ${name}`,
  'org.add_user': ({ name, data }) => `Added ${name}${role(data)}`,
  'org.change_role': ({ name, data }) => `Changed the role of ${name}${change(data)}`,
  'org.remove_user': ({ name, data }) => `Removed ${name}${role(data, ', who had the role ')}`,
  'org.invite_user': ({ name, data }) => `Invited ${text(data, 'email') ?? name}${role(data)}`,
  'org.invite.accept': ({ name, data }) =>
    `Accepted an invitation to ${text(data, 'organization') ?? name}${role(data)}`,
  'org.invite.decline': ({ name, data }) => `Declined an invitation to ${text(data, 'organization') ?? name}`,
  'org.invite.email': ({ name, data }) => `Invited ${name}${role(data)}`,
  'org.invite.resend': ({ name }) => `Sent the invitation of ${name} again`,
  'org.invite.withdraw': ({ name }) => `Withdrew the invitation of ${name}`,
  'scan.release': ({ name }) => `Released the content ${name} from quarantine`,
  'scan.hold': ({ name }) => `Took back the release of the content ${name} from quarantine`,
  'org.set_seat_limit': ({ name, data }) => `Changed the seat limit of ${name}${change(data)}`,
  'org.leave': ({ name }) => `Left ${name}`,
  'org.update_settings': ({ name, data }) => `Changed settings of ${name}${changed(data)}`,
  'org.settings.profile': ({ name, data }) => `Changed the profile of ${name}${changed(data)}`,
  'org.settings.security': ({ name, data }) => `Changed security settings of ${name}${changed(data)}`,
  'org.rename': ({ name, data }) => `Renamed the organization${change(data) || ` to ${name}`}`,
  'org.delete': ({ name }) => `Deleted the organization ${name}`,

  'org.service_account.create': ({ name, data }) => `Added the service account ${name}${role(data)}`,
  'org.service_account.update': ({ name, data }) => `Edited the service account ${name}${changed(data)}`,
  'org.service_account.disable': ({ name, data }) => `Disabled the service account ${name}${tokensGone(data)}`,
  'org.service_account.enable': ({ name }) => `Enabled the service account ${name}`,
  'org.service_account.delete': ({ name, data }) => `Deleted the service account ${name}${tokensGone(data)}`,
  'org.service_account.token.create': (told) => `Added the ${machineToken(told)}`,
  'org.service_account.token.update': (told) => `Edited the ${machineToken(told)}`,
  'org.service_account.token.rotate': (told) => `Refreshed the ${machineToken(told)}`,
  'org.service_account.token.finish_rotation': (told) =>
    `Ended the old value${oldLast4(told.data)} of the ${machineToken(told)}`,
  'org.service_account.token.delete': (told) => `Deleted the ${machineToken(told)}`,
  'org.service_account.token.delete_all': ({ name, data }) =>
    `Deleted all tokens of the service account ${name}${tokensGone(data)}`,

  'org.service_account.publisher.create': ({ name, data }) =>
    `Let ${publisherWords(data)} act as the service account ${name}`,
  'org.service_account.publisher.delete': ({ name, data }) =>
    `Deleted the trusted publisher ${publisherWords(data)} of the service account ${name}${tokensGone(data)}`,
  'org.service_account.publisher.exchange': ({ name, data }) =>
    `Gave a run of ${publisherWords(data)} a token of the service account ${name}`,
  'org.service_account.publisher.refuse': ({ name, data }) =>
    `Refused an ID token of ${publisherWords(data)} for the service account ${name}: ${text(data, 'reason') ?? 'it did not fit'}`,

  'org.group.create': ({ name }) => `Created the group ${name}`,
  'org.group.update': ({ name, data }) => `Edited the group ${name}${changed(data)}`,
  'org.group.delete': ({ name }) => `Deleted the group ${name}`,
  'org.group.change_members': ({ name, data }) => `Changed who is in the group ${name}${whom(data)}`,
  'org.group.add_member': ({ name, data }) => `Added to the group ${name}${whom(data)}`,
  'org.group.change_role': ({ name, data }) => `Changed a role in the group ${name}${whom(data)}`,
  'org.group.remove_member': ({ name, data }) => `Removed from the group ${name}${whom(data)}`,

  'resource_group.create': ({ name }) => `Created the workspace ${name}`,
  'resource_group.settings': ({ name, data }) => `Changed settings of the workspace ${name}${changed(data)}`,
  'resource_group.delete': ({ name }) => `Deleted the workspace ${name}`,
  'resource_group.add_users': ({ name, data }) => `Gave access to the workspace ${name}${whom(data)}`,
  'resource_group.change_role': ({ name, data }) => `Changed a role in the workspace ${name}${whom(data)}`,
  'resource_group.remove_users': ({ name, data }) => `Took away access to the workspace ${name}${whom(data)}`,
  'resource_group.auto_join': ({ name, data }) => `Put ${name} into ${workspacesIn(data)} that everybody joins`,

  'repo.create': (told) => `Created the ${repo(told)}${visibility(told.data)}`,
  'repo.restore': (told) => `Brought back the ${repo(told)}`,
  'repo.push': (told) => pushed(told),
  'repo.unlock_any': (told) =>
    `Broke the lock of ${text(told.data, 'lockOwner') ?? 'somebody'} on ${text(told.data, 'path') ?? 'a file'} in the ${repo(told)}`,
  'repo.update_settings': (told) => `Changed settings of the ${repo(told)}${changed(told.data)}`,
  'repo.update_gate': (told) => `Changed who has to ask for access to the ${repo(told)}${changed(told.data)}`,
  'repo.access.ask': (told) => `Asked for access to the ${repo(told)}${whom(told.data)}`,
  'repo.access.cancel': (told) => `Withdrew the request for access to the ${repo(told)}${whom(told.data)}`,
  'org.service_account.ask_access': (told) =>
    `Agreed to the terms of the ${repo(told)} for a service account${whom(told.data)}`,
  'repo.access.handle': (told) => `Decided about a request for access to the ${repo(told)}${whom(told.data)}`,
  'repo.access.grant': (told) => `Let in to the ${repo(told)} without a request${whom(told.data)}`,
  'repo.access.export': (told) => `Downloaded the list of requests for access to the ${repo(told)}`,
  'repo.inference.update': (told) => `Changed which servers answer for the ${repo(told)}`,
  'org.inference_limits.update': ({ name }) => `Changed the limits of inference of ${name}`,
  'repo.publisher.create': (told) => `Let ${publisherWords(told.data)} push to the ${repo(told)}`,
  'repo.publisher.delete': (told) =>
    `Deleted the trusted publisher ${publisherWords(told.data)} of the ${repo(told)}${tokensGone(told.data)}`,
  'repo.publisher.exchange': (told) => `Gave a run of ${publisherWords(told.data)} a token for the ${repo(told)}`,
  'repo.publisher.refuse': (told) =>
    `Refused an ID token of ${publisherWords(told.data)} for the ${repo(told)}: ${text(told.data, 'reason') ?? 'it did not fit'}`,
  'repo.move': (told) => `Moved a ${told.resourceKind}${change(told.data) || ` to ${told.name}`}`,
  'repo.transfer': (told) => `Moved a ${told.resourceKind}${change(told.data) || ` to ${told.name}`}`,
  'repo.update_resource_group': (told) => `Moved the ${repo(told)}${betweenWorkspaces(told.data)}`,
  'repo.delete': (told) => `Deleted the ${repo(told)}`,

  // Recorded under a name of their own, which no permission has.
  'account.change_password': ({ name }) => `Changed the password of ${name}`,
  'account.reset_password': ({ name }) => `Set a new password for ${name} by a link`,
  'account.deactivate': ({ name }) => `Deactivated their own account ${name}`,
  'account.update_email': ({ name, data }) => `Changed the addresses of ${name}${addresses(data)}`,
  'user.invite': () => 'Made an invitation to this hub',
  'storage.damaged': ({ name }) => `Found damaged bytes in ${name}`,
  'download.export': ({ name }) => `Exported who downloaded ${name}`,
  'org.download.export': ({ name }) => `Exported who downloaded ${name}`,
  'org.inference_usage.export': ({ name }) => `Exported the calls of models of ${name}`,
  'org.audit_log.export': ({ name }) => `Exported the audit log of ${name}`,
} as const satisfies Readonly<Record<string, Sentence>>

/** An audited row of the permission table that has no sentence does not compile. */
const known: Readonly<Record<AuditedAction, Sentence>> & Readonly<Record<string, Sentence>> = sentences

/** Every action that has a sentence. */
export const toldActions: readonly string[] = Object.keys(known).sort()

/** A newer version may have written what this one has no words for. */
export function sentenceFor(told: Told): string {
  const sentence = Object.hasOwn(known, told.action) ? known[told.action] : undefined
  return `${sentence?.(told) ?? `Did ${told.action} on ${told.resourceKind} ${told.name}`}${byRun(told.data)}`
}

/** Which run of automation did it, where one held the token. */
function byRun({ publisher }: EventData): string {
  if (!isChange(publisher) || typeof publisher.issuer !== 'string' || !isChange(publisher.claims)) return ''
  const claims = Object.entries(publisher.claims).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return `, in ${runWords({ issuer: publisher.issuer, claims: Object.fromEntries(claims) })}`
}

function publisherWords(data: EventData): string {
  return text(data, 'trusts') ?? 'a trusted publisher'
}

function signedModelsSentence({ name, data }: Told): string {
  return data.only === true ? `Had ${name} hand out signed models alone` : `Had ${name} hand out all models again`
}

function text(data: EventData, key: string): string | null {
  const value = data[key]
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : null
}

function role(data: EventData, words = ' with the role '): string {
  const found = text(data, 'role')
  return found === null ? '' : `${words}${found}`
}

function by(data: EventData, key: string): string {
  const found = text(data, key)
  return found === null ? '' : ` (${found})`
}

function on(data: EventData, key: string): string {
  const found = text(data, key)
  return found === null ? '' : ` on ${found}`
}

/** ` from read to write`, where both are words. */
function change(data: EventData): string {
  const [from, to] = [text(data, 'from'), text(data, 'to')]
  if (from === null && to === null) return ''
  if (from === null) return ` to ${to}`
  return to === null ? ` from ${from}` : ` from ${from} to ${to}`
}

/** `: visibility from public to private, description`. Of a whole before and after, what differs. */
function changed(data: EventData): string {
  const { from, to } = data
  const all = isChange(from) && isChange(to) ? differences(from, to) : data
  const parts = Object.entries(all).flatMap(([key, value]) => {
    if (key === 'organization') return []
    const words = key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    return [isChange(value) ? `${words}${change(value)}` : words]
  })
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

function differences(from: EventData, to: EventData): EventData {
  return Object.fromEntries(
    Object.entries(to).flatMap(([key, value]) => {
      const before = from[key] ?? null
      return JSON.stringify(before) === JSON.stringify(value) ? [] : [[key, { from: before, to: value }]]
    }),
  )
}

function isChange(value: EventData[string] | undefined): value is EventData {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keySentence(verb: string, { name, data }: Told): string {
  const key = `${verb} the ${data.kind === 'ssh' ? 'SSH' : 'GPG'} key ${text(data, 'fingerprint') ?? ''}`
  return `${key} of ${name}`
}

const levelWords: Readonly<Record<string, string>> = {
  off: 'nothing is asked',
  warn: 'warn',
  signed: 'require signed',
  verified: 'require verified',
}

function policySentence({ name, data }: Told): string {
  const level = text(data, 'level') ?? ''
  const human = data.humanSignatureOnly === true ? ', no commits through the API' : ''
  return `Set the signing policy of ${name}: ${levelWords[level] ?? level}${human}`
}

function bypassSentence({ name, data }: Told): string {
  const until = text(data, 'until')
  if (until === null) return `Ended the bypass of the signing policy of ${name}`
  return `Let unsigned pushes to ${name} through until ${until}: ${text(data, 'reason') ?? ''}`
}

function exposure(data: EventData): string {
  if (text(data, 'via') === 'report') return 'which somebody reported as leaked'
  const repo = text(data, 'repo')
  return repo === null ? 'which was pushed to a repository' : `which was pushed to ${repo}`
}

function tokenWords({ name, data }: Told): string {
  return `token ${name}${last4(data)}`
}

function machineToken({ name, data }: Told): string {
  const account = text(data, 'serviceAccount')
  return `token ${name}${last4(data)} of ${account === null ? 'a service account' : `the service account ${account}`}`
}

function oldLast4(data: EventData): string {
  const value = text(data, 'oldLast4')
  return value === null ? '' : ` …${value}`
}

function last4(data: EventData): string {
  const found = text(data, 'last4')
  return found === null ? '' : ` (…${found})`
}

function tokensGone({ tokens }: EventData): string {
  const count = Array.isArray(tokens) ? tokens.length : Number(tokens ?? 0)
  if (!(count > 0)) return ''
  return count === 1 ? '; 1 token was deleted' : `; ${count} tokens were deleted`
}

function workspacesIn({ count }: EventData): string {
  return count === 1 ? 'a workspace' : `${typeof count === 'number' ? count : 'the'} workspaces`
}

function betweenWorkspaces(data: EventData): string {
  const [from, to] = [text(data, 'from'), text(data, 'to')]
  return `${from === null ? '' : ` out of the workspace ${from}`}${to === null ? '' : ` into the workspace ${to}`}`
}

/** `: jonas from read to write`. */
/** What the provider calls somebody. */
function as(data: EventData): string {
  const label = text(data, 'as')
  return label === null ? '' : ` as ${label}`
}

function whom(data: EventData): string {
  const who =
    text(data, 'called') ??
    text(data, 'user') ??
    text(data, 'member') ??
    text(data, 'principal') ??
    text(data, 'group') ??
    text(data, 'name')
  return who === null ? '' : `: ${who}${change(data) || role(data, ' as ')}`
}

function repo({ resourceKind, name }: Told): string {
  return `${resourceKind} ${name}`
}

function visibility(data: EventData): string {
  const found = text(data, 'visibility')
  return found === null ? '' : `, ${found}`
}

function addresses(data: EventData): string {
  const parts = ['added', 'removed', 'verified', 'primary'].flatMap((key) => {
    const address = text(data, key)
    return address === null ? [] : [`${key} ${address}`]
  })
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`
}

/** A ref: made, moved from one commit to another, or deleted. */
function pushed(told: Told): string {
  const { data } = told
  const ref = `${(text(data, 'ref') ?? 'a ref').replace(/^refs\/(heads|tags)\//, '')} of the ${repo(told)}`
  const [old, now] = [text(data, 'old'), text(data, 'new')]
  if (now === null) return `Deleted ${ref}`
  if (old === null) return `Made ${ref} at ${now.slice(0, 7)}`
  return `Moved ${ref} from ${old.slice(0, 7)} to ${now.slice(0, 7)}`
}
