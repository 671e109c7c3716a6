/**
 * The tables, as Kysely sees them; the migrations beside this file create them on SQLite and on PostgreSQL.
 * Portable on purpose: ids are 24 lowercase hex digits (time-ordered), times are integer milliseconds,
 * truth values are 0 or 1, and JSON is text. docs/storage.md says what each table is for and what can be rebuilt.
 */
import type { Generated } from 'kysely'

export type Flag = 0 | 1

/** A user's or an organization's name. Its id is the id of that user or organization. */
export interface NamespaceTable {
  id: string
  kind: 'user' | 'organization'
  name: string
  /** Lower-cased name: names are compared without case. */
  nameKey: string
  createdAt: number
}

/** A name that was given up by a rename or a deletion; it is never handed out again, and redirects where it can. */
export interface RetiredNameTable {
  nameKey: string
  namespaceId: string
  retiredAt: number
}

export interface UserTable {
  id: string
  fullname: string | null
  passwordHash: string | null
  passwordChangedAt: number | null
  isAdmin: Flag
  state: 'active' | 'deactivated' | 'deleted'
  createdAt: number
  /** Since when there is a second factor to sign in with; null for none. Kept in step with the factors themselves. */
  secondFactorAt: number | null
}

export interface EmailTable {
  id: string
  userId: string
  address: string
  /** Local part as written, domain lower-cased: the form that is compared. */
  addressKey: string
  verifiedAt: number | null
  isPrimary: Flag
  createdAt: number
}

export interface SessionTable {
  id: string
  /** SHA-256 of the 256-bit cookie value, hex. */
  tokenHash: string
  userId: string
  createdAt: number
  lastUsedAt: number
  lastIp: string | null
  userAgent: string | null
  expiresAt: number
  /** When the person last proved who they are, after the sign-in that made the session; null for never since. */
  freshAt: number | null
}

/** The secret of an authenticator app (RFC 6238). */
export interface TotpSecretTable {
  userId: string
  /** `pending` until the first code proved that the app has it; each person has at most one of both. */
  state: 'pending' | 'active'
  /** Base32, encrypted with the key ring for this user. */
  secret: string
  createdAt: number
  /** The newest step of 30 s whose code was accepted, since the epoch; that one and all before it are used up. */
  lastStep: number
  lastUsedAt: number | null
}

export interface PasskeyTable {
  id: string
  userId: string
  /** As the authenticator gave it, base64url. */
  credentialId: string
  /** COSE key, base64url. */
  publicKey: string
  /** How often the authenticator says it was used; 0 for those that do not count. */
  counter: number
  /** How the browser reaches it: names separated by spaces. */
  transports: string
  /** Synchronized by its maker, so that the loss of one device does not lose it. */
  isBackedUp: Flag
  name: string
  createdAt: number
  lastUsedAt: number | null
}

export interface RecoveryCodeTable {
  userId: string
  /** SHA-256 of the code (80 random bits) as it is compared, hex. */
  codeHash: string
  createdAt: number
  usedAt: number | null
}

/** The password was right; a second factor is still to come. */
export interface PendingSignInTable {
  /** SHA-256 of the 256-bit cookie value, hex. */
  tokenHash: string
  userId: string
  /** Which password was right: that of this moment. */
  passwordChangedAt: number | null
  attempts: number
  expiresAt: number
  begunBy: 'password' | 'company'
}

/** Who somebody is at the company's OpenID provider. The subject is the provider's name for them, never an address. */
export interface CompanyIdentityTable {
  issuer: string
  subject: string
  userId: string
  /** What the provider called them when they last came: for showing. */
  label: string
  createdAt: number
  lastUsedAt: number | null
}

/** What a group at the company's provider gives in an organization. */
export interface CompanyGroupMappingTable {
  id: string
  organizationId: string
  externalGroup: string
  kind: 'organization' | 'group' | 'workspace'
  /** The target where it is a group, so that the row goes with it; the same for the workspace. */
  groupId: string | null
  workspaceId: string | null
  targetId: string
  /** Of an organization or a workspace a role, of a group `member` or `manager`. */
  role: string
  createdAt: number
  createdBy: string | null
}

/** What somebody has by such mappings alone, with the role that they gave. */
export interface CompanyGrantTable {
  userId: string
  targetId: string
  organizationId: string
  kind: CompanyGroupMappingTable['kind']
  role: string
  givenAt: number
}

/** A challenge that a passkey has answered: no answer counts twice. */
export interface SpentChallengeTable {
  /** SHA-256 of the challenge, hex. */
  hash: string
  expiresAt: number
}

/** A link with a secret that works once: first administrator, e-mail verification, password reset, invitation to join. */
export interface OneTimeLinkTable {
  id: string
  tokenHash: string
  purpose: 'setup' | 'verify-email' | 'reset-password' | 'join'
  userId: string | null
  emailId: string | null
  createdAt: number
  expiresAt: number
  usedAt: number | null
}

export interface AccessTokenTable {
  id: string
  /** HMAC-SHA-256 of the value under the instance's token key, hex. */
  hash: string
  last4: string
  /** A user or a service account. */
  ownerId: string
  name: string
  /** `inherit` for service accounts alone: everything that the account may do. */
  role: 'read' | 'write' | 'fineGrained' | 'inherit'
  description: string | null
  canReadGatedRepos: Flag
  /** JSON array of permission names that hold outside any entity (`discussion.write`, `post.write`). */
  globalPermissions: string
  /** JSON array of patterns: its permissions on inference endpoints hold for these alone. Null: for all. */
  endpointPatterns: string | null
  /** JSON array of CIDR ranges from which it is taken. Null: from everywhere. */
  networks: string | null
  /** From when on it is taken. */
  notBefore: number | null
  /** JSON of `TokenLimits`. Null: none. */
  limits: string | null
  /** The last day (since 1970, UTC) on which a token with a limit of bytes took any, and how many. */
  bytesDay: number | null
  bytesTaken: number | null
  /** When an event last told of its use outside of its fence. */
  fencedAt: number | null
  createdAt: number
  rotatedAt: number | null
  expiresAt: number | null
  lastUsedAt: number | null
  lastIp: string | null
  lastUserAgent: string | null
  /** Where a trusted publisher's ID token was exchanged for it: that publisher, with which it goes. */
  publisherId: string | null
  /** JSON: which run of which automation holds it, as features/trusted-publishers/run.ts has it. */
  publisherRun: string | null
  /** The token that it was derived from, and ends with. */
  parentId: string | null
  /** Requests that it may still make. Null: as many as it likes. */
  usesLeft: number | null
  /** When an event last told that it came from a new address. */
  newAddressAt: number | null
}

/** Whose ID tokens are exchanged for access tokens to a repo, or to what a service account may do: one of the two is set. */
export interface TrustedPublisherTable {
  id: string
  repoId: string | null
  serviceAccountId: string | null
  /** As `iss` of its ID tokens, letter for letter. */
  issuer: string
  /** As their `aud`; null for the public address of this hub. */
  audience: string | null
  /** JSON: name of a claim to the values that it may have. All of them must fit. */
  claims: string
  /** The user who set it up: whose token a repo's publisher gets. Null for a service account's that no person set up. */
  createdBy: string | null
  createdAt: number
  /** When it last got a token, and JSON: for which run. */
  lastUsedAt: number | null
  lastRun: string | null
  /** When an event last told of an ID token that it did not take. */
  refusedAt: number | null
}

/** An ID token that was exchanged: it counts once. */
export interface UsedIdTokenTable {
  /** SHA-256, hex: of issuer and `jti`, or of what is signed. */
  hash: string
  /** From then on it would be refused as expired. */
  expiresAt: number
}

/**
 * A value that a token had before it was refreshed or deleted. Until `validUntil` it is taken beside the new one; afterwards it is refused, and
 * its use raises an alert. Outlives its token: whom to tell stands in the row.
 */
export interface FormerTokenValueTable {
  hash: string
  tokenId: string
  name: string
  last4: string
  ownerId: string
  ownerName: string
  /** Of a service account: its organization and whom to ask about it. */
  organizationId: string | null
  contact: string | null
  /** When it was made. */
  since: number
  /** When another took its place, or the token was deleted. */
  endedAt: number
  /** Null: not valid since `endedAt`, or since it was ended early. */
  validUntil: number | null
  /** Uses after `endedAt`, while it was valid. */
  lastUsedAt: number | null
  lastIp: string | null
  lastUserAgent: string | null
  /** When its owner was last told that it was used although it is dead. */
  alertedAt: number | null
}

/** An application that people let act for them. */
export interface OauthClientTable {
  /** What OAuth calls `client_id`. */
  id: string
  /** Who registered it; null for one that comes with the hub. */
  ownerId: string | null
  name: string
  /** SHA-256 of a 256-bit secret, hex; null for a public client, which has none. */
  secretHash: string | null
  secretLast4: string | null
  /** JSON array, compared letter for letter. */
  redirectUris: string
  /** The most that it may ask for: names separated by spaces. */
  scope: string
  takesDevices: Flag
  createdAt: number
}

/** What somebody allowed an application, so that the same or less needs no second question. */
export interface OauthConsentTable {
  userId: string
  clientId: string
  scope: string
  /** JSON array: in which organizations, beside the person's own namespace. */
  organizationIds: string
  grantedAt: number
}

/** One sign-in of an application: its access token, and what stands behind it. Goes with the token. */
export interface OauthGrantTable {
  id: string
  tokenId: string
  userId: string
  clientId: string
  scope: string
  organizationIds: string
  /** Of each value of its access token. */
  lifetimeSeconds: number
  createdAt: number
}

export interface OauthRefreshTokenTable {
  /** SHA-256 of the 256-bit value, hex. */
  hash: string
  grantId: string
  createdAt: number
  expiresAt: number
  /** Whoever brings it again has a copy, or is the one whose copy was taken. */
  usedAt: number | null
}

/** A device that asks to be signed in (RFC 8628). */
export interface OauthDeviceTable {
  /** SHA-256 of the 256-bit device code, hex. */
  deviceHash: string
  /** Keyed hash of the short code that a person types, hex. */
  userCodeHash: string
  clientId: string
  scope: string
  ip: string | null
  userAgent: string | null
  createdAt: number
  expiresAt: number
  /** How long it has to wait between two questions; grows where it does not. */
  pollSeconds: number
  lastPolledAt: number | null
  verdict: 'approved' | 'denied' | null
  /** Who said so, and in which organizations it may act (JSON array). */
  userId: string | null
  organizationIds: string | null
}

/** An authorization code. Kept for a while after its use, so that a second one is noticed. */
export interface OauthCodeTable {
  /** SHA-256 of the 256-bit code, hex. */
  hash: string
  clientId: string
  userId: string
  redirectUri: string
  scope: string
  organizationIds: string
  /** PKCE, S256; null only for clients with a secret. */
  challenge: string | null
  nonce: string | null
  createdAt: number
  expiresAt: number
  usedAt: number | null
  /** The access token that it gave. */
  tokenId: string | null
}

/** What signs ID tokens: RSA, the private half encrypted with the key ring. */
export interface OauthSigningKeyTable {
  id: string
  publicJwk: string
  privateKey: string
  createdAt: number
}

/** What a fine-grained token may do on one entity. Bound to the entity's id, so a rename keeps it and a re-creation does not revive it. */
export interface TokenGrantTable {
  tokenId: string
  entityType: 'user' | 'org' | 'model' | 'dataset' | 'space' | 'resource-group'
  entityId: string
  /** Its name when it was granted: what is shown once the owner may no longer see what it is called now. */
  entityName: string
  /** JSON array of the Hub's permission names. */
  permissions: string
  /** In a child token: the owner or workspace through which its parent reaches the repo. It counts while the repo lies there. */
  throughId: string | null
}

/** What a token touched in a day, by the least permission that opens it. Kept for 90 days. */
export interface TokenUseTable {
  tokenId: string
  /** The first millisecond of the day, in UTC. */
  day: number
  thingKind: 'repo' | 'organization' | 'user'
  /** Empty for all those beyond the most of a day. */
  thingId: string
  permission: string
  uses: number
  /** That were sent. */
  bytes: number
}

/** From where a token came, and what used it: the latest fifty of each. */
export interface TokenCallerTable {
  tokenId: string
  kind: 'address' | 'program'
  value: string
  firstAt: number
  lastAt: number
  uses: number
}

/** A value that opens nothing and tells on whoever uses it. Requests meet it in `formerTokenValue`, as a dead one. */
export interface HoneyTokenTable {
  id: string
  /** As in `accessToken`. */
  hash: string
  last4: string
  name: string
  /** Where it lies, in the words of who made it. */
  place: string
  /** A user or an organization. */
  ownerId: string
  ownerName: string
  /** The same, for an organization. */
  organizationId: string | null
  createdAt: number
  lastUsedAt: number | null
  lastIp: string | null
  lastUserAgent: string | null
  reportedAt: number | null
}

/** What administrators of an organization said of a member's token. */
export interface OrganizationTokenTable {
  tokenId: string
  organizationId: string
  verdict: 'approved' | 'denied' | 'revoked'
  /** A user; null for the hub itself. */
  decidedBy: string | null
  decidedAt: number
}

export interface OrganizationTable {
  id: string
  fullname: string | null
  description: string | null
  defaultVisibility: 'public' | 'private'
  /** The role of whoever is added without one being named. */
  defaultRole: Generated<'no_access' | 'read' | 'contributor' | 'write' | 'admin'>
  /** The weakest role that may make a workspace (WS-6). */
  workspaceCreation: Generated<'read' | 'contributor' | 'write' | 'admin'>
  /** Who sees the list of members. */
  membersVisibility: Generated<'members' | 'public'>
  /** People without a second factor reach only what is public (AUTH-4e). */
  secondFactorRequired: Generated<Flag>
  /** What scanners find is only said, or held (quarantine). */
  scanPolicy: Generated<'warn' | 'block_infected' | 'block_until_scanned'>
  /** Since when only signed models are handed out; 0: all are. */
  signedModelsSince: Generated<number>
  /** When a key was last taken from those that are trusted to sign models; 0: never. */
  modelKeyRemovedAt: Generated<number>
  /** What happens to pickles whose imports neither our lists nor its own name. */
  pickleAdmission: Generated<'off' | 'flag' | 'refuse'>
  /** Lines as in `domain/import-list.ts`. */
  pickleAllowList: Generated<string>
  /** When one of these two last changed; 0 where neither ever did. */
  admissionAt: Generated<number>
  /** Whether a push with a live token of this hub is taken; the token is revoked in any case. */
  leakedTokens: Generated<'record' | 'refuse'>
  /** What becomes of a push with anything else that looks like a secret. */
  pushProtection: Generated<'off' | 'warn' | 'block'>
  /** Which reads of its repos are proven: none, those of what is not open to all or held, or all. */
  downloadAudit: Generated<'nothing' | 'restricted' | 'all'>
  /** Which access tokens of its members it takes (domain/token-policy.ts). */
  tokenPolicy: Generated<'any' | 'fine_grained' | 'approval'>
  /** Days that such a token may live; null for any number. */
  mostTokenDays: number | null
  /** Whether administrators of the hub may administer it in an emergency, for an hour, and loudly. */
  breakGlass: Generated<Flag>
  /** Whether classic write tokens of administrators carry their rights over the organization. */
  classicTokensAdminister: Generated<Flag>
  /** People that it may have; null for any number (SEAT-4). */
  seatLimit: number | null
  createdAt: number
  createdBy: string
}

/** An identity for automation, owned by an organization. It has no namespace, no password and no seat. Its user name is `sa-` and its id. */
export interface ServiceAccountTable {
  id: string
  organizationId: string
  name: string
  nameKey: string
  description: string | null
  /** Whom to ask about it: an address or a name, as somebody wrote it. */
  contact: string | null
  createdAt: number
  /** The user who made it; it does not depend on them (SA-6). */
  createdBy: string | null
  /** From then on it counts as disabled. */
  expiresAt: number | null
  disabledAt: number | null
}

/** A named set of people and service accounts of one organization. (`group` is a word of SQL.) */
export interface MemberGroupTable {
  id: string
  organizationId: string
  name: string
  nameKey: string
  description: string | null
  createdAt: number
  createdBy: string | null
}

export interface GroupMemberTable {
  groupId: string
  principalId: string
  principalKind: 'user' | 'service-account'
  role: 'member' | 'manager'
  createdAt: number
  createdBy: string | null
}

/** A public key that signs in the name of its owner. A fingerprint has one owner (GPG-2). */
export interface SigningKeyTable {
  id: string
  kind: 'gpg' | 'ssh'
  ownerKind: 'user' | 'service-account'
  ownerId: string
  /** 40 hex digits, upper case, or `SHA256:...`. */
  fingerprint: string
  /** The first user id, or the comment. */
  title: string
  /** Armoured, or one line. */
  publicKey: string
  /** JSON: the keys in it that sign, and its addresses. */
  details: string
  isCompromised: Flag
  createdAt: number
}

/** What signatures name a key by: the ids of primary key and subkeys. */
export interface SigningKeyPartTable {
  keyId: string
  signingKeyId: string
}

/** What was found when a signed commit was first judged, and stays. Unsigned commits have no row. */
export interface CommitSignatureTable {
  repoId: string
  commit: string
  status: 'verified' | 'unverified' | 'hub'
  reason: string | null
  signerKind: 'user' | 'service-account' | null
  signerId: string | null
  signingKeyId: string | null
  /** What the signature names its key by. */
  keyId: string | null
  /** Of the committer, as addresses are compared. */
  email: string
  verifiedAt: number
}

/** Of an organization or a repo; no row: off. */
export interface SigningPolicyTable {
  targetId: string
  level: 'off' | 'warn' | 'signed' | 'verified'
  humanSignatureOnly: Flag
  bypassUntil: number | null
  bypassReason: string | null
  updatedAt: number
}

/** An open invitation to an organization; what came of it is told by events. */
export interface InvitationTable {
  id: string
  organizationId: string
  address: string
  /** Local part as written, domain lower-cased. */
  addressKey: string
  role: 'no_access' | 'read' | 'contributor' | 'write' | 'admin'
  /**
   * What proves that somebody is whom it is for. `address`: their account has the address, verified. `link`: they have the link, which an
   * administrator was shown and handed to them, on a hub that sends no e-mail.
   */
  proof: 'address' | 'link'
  /** SHA-256 of the link's secret, hex; null until the mail with it is made. */
  tokenHash: string | null
  createdAt: number
  /** The user or service account who answers for it, while they administer the organization; null for the command line. */
  inviterId: string | null
  inviterName: string
  expiresAt: number
  /** When the mail was last sent; null for not yet, or by no mail. */
  sentAt: number | null
  /** The account that was made with it where sign-up needs an invitation: it makes one, no more. */
  accountId: string | null
}

/** On the Hub's wire a resource group. */
export interface WorkspaceTable {
  id: string
  organizationId: string
  name: string
  nameKey: string
  description: string | null
  createdAt: number
  createdBy: string | null
  /** Which people of the organization join by themselves; null for none (WS-7). */
  autoJoin: 'all' | 'read_plus' | null
  /** As what; null where nobody joins. */
  autoJoinRole: 'read' | 'contributor' | 'write' | 'admin' | null
  /** Since when only signed models are handed out from it; 0: all are. */
  signedModelsSince: Generated<number>
}

/**
 * One role of one principal on one organization, workspace or repo. Membership of an organization is the row on it. Groups have roles in
 * workspaces only.
 */
export interface RoleGrantTable {
  targetId: string
  targetKind: 'organization' | 'workspace' | 'repo'
  principalId: string
  principalKind: 'user' | 'group' | 'service-account'
  /** What holds without an end. Where `endsWhole`: nothing, written as the weakest there is. */
  role: 'no_access' | 'read' | 'contributor' | 'write' | 'admin'
  createdAt: number
  createdBy: string | null
  /** A stronger role until `temporaryUntil`; null where there is none. What counts at a moment: `access/role-at.ts`. */
  temporaryRole: 'read' | 'contributor' | 'write' | 'admin' | null
  temporaryUntil: number | null
  temporarySince: number | null
  /** `break_glass`: taken in an emergency by who has it, given by nobody. */
  temporaryKind: 'given' | 'break_glass' | null
  temporaryReason: string | null
  temporaryBy: string | null
  /** 1: there was no role before the temporary one, so that none is left after it. */
  endsWhole: Generated<Flag>
}

export interface RepoTable {
  id: string
  kind: 'model' | 'dataset' | 'space'
  ownerId: string
  name: string
  nameKey: string
  /** `owner/name` as written and lower-cased: what search matches. Kept in step by every rename. */
  fullName: string
  fullNameKey: string
  visibility: 'public' | 'private' | 'protected'
  creatorId: string
  workspaceId: string | null
  description: string | null
  /** Set by an administrator: the content is out of reach, the repo still shows. */
  disabledAt: number | null
  /** Object id of the head of `main`; null while the repo is empty. */
  headCommit: string | null
  /** The head that card, config, tags and description were read from; behind `headCommit` while the job that reads them waits. */
  cardCommit: string | null
  /** JSON object read from the README front matter at the head of `main`. */
  cardData: string | null
  /** JSON object: what config.json at the head of `main` says of the architecture. */
  config: string | null
  /** JSON array, in the order in which they are shown; `repoTag` has the same ones to search by. */
  tags: Generated<string>
  pipelineTag: string | null
  libraryName: string | null
  sdk: string | null
  downloads: Generated<number>
  downloadsAllTime: Generated<number>
  likes: Generated<number>
  trendingScore: Generated<number>
  usedStorage: Generated<number>
  createdAt: number
  updatedAt: number
  deletedAt: number | null
  /** Whether its content is behind a gate: `auto` lets in whoever asks, `manual` whom a writer accepts. */
  gated: Generated<'open' | 'auto' | 'manual'>
  /** The gate stands before plain members of its organization too. */
  orgMembersGated: Generated<Flag>
  /** Where new requests are told, instead of to the owner or the administrators. */
  gatedNotificationsEmail: string | null
  gatedNotificationsMode: Generated<'bulk' | 'real-time'>
  /** Since when what a deleted repo consisted of is being removed: from then on it cannot come back. */
  removedAt: number | null
}

/** One person's or service account's request to pass the gate of a repo; or that they were let in without one. */
export interface AccessRequestTable {
  /** What programs name it by. */
  id: string
  repoId: string
  principalId: string
  principalKind: 'user' | 'service-account'
  status: 'pending' | 'accepted' | 'rejected'
  /** Of a rejection. */
  reason: string | null
  /** JSON object: what was answered, by the names of the fields. Null where nobody asked. */
  fields: string | null
  /** The address that was shared with the request. */
  email: string | null
  /** The text that was agreed to. Null where nobody agreed: let in by hand. */
  termsHash: string | null
  askedAt: number
  /** Who agreed: the person itself, or who asked for a service account. Of who was let in by hand, who did it. */
  askedBy: string
  /** Set where they were let in by hand. */
  grantedBy: string | null
  reviewedAt: number | null
  reviewedBy: string | null
}

/** What somebody agreed to: JSON, by its SHA-256. */
export interface GateTermsTable {
  hash: string
  terms: string
  firstAt: number
}

/** A tag of a repo: from the card, or derived (`license:mit`, `language:en`, library, task). */
export interface RepoTagTable {
  repoId: string
  kind: 'model' | 'dataset' | 'space'
  tag: string
}

/** Where a repo used to be. The same id under a new name keeps working for those who may read it. */
export interface RepoRedirectTable {
  ownerId: string
  kind: 'model' | 'dataset' | 'space'
  nameKey: string
  repoId: string
  createdAt: number
}

/** A ref move that was decided but whose event and jobs are not yet written. Settled and removed in one transaction. */
export interface RefIntentTable {
  id: string
  repoId: string
  ref: string
  /** 40 zeroes for a creation. */
  oldOid: string
  /** 40 zeroes for a deletion. */
  newOid: string
  /** JSON: who, with which credential, from where; becomes the event. */
  event: string
  createdAt: number
}

/** An append-only fact. Nothing updates or deletes a row. */
export interface EventTable {
  id: string
  at: number
  action: string
  actorKind: 'user' | 'service-account' | 'organization' | 'system' | 'anonymous'
  actorId: string | null
  actorName: string
  credentialKind: 'session' | 'token' | null
  credentialId: string | null
  credentialLast4: string | null
  resourceKind: string
  resourceId: string | null
  resourceName: string | null
  /** The user or organization that the resource belongs to. */
  ownerId: string | null
  ip: string | null
  userAgent: string | null
  requestId: string | null
  /** JSON with what is particular to the action; never a secret. */
  data: string
}

/** A link of the chain over the audit log: features/audit/seal-format.ts says what is hashed. Nothing updates or deletes a row. */
export interface AuditSealTable {
  /** 1, 2, 3, ... without gaps. */
  number: number
  sealedAt: number
  /** Events that are sealed by this seal and all before it. */
  total: number
  /** Hash of the seal before; zeroes for the first. */
  previous: string
  hash: string
}

/** Which event is sealed where. An event without such a row waits for its seal. */
export interface SealedEventTable {
  eventId: string
  /** Number of the seal. */
  seal: number
  /** 0, 1, 2, ... within the seal. */
  position: number
  /** SHA-256 of the event's row. */
  hash: string
}

/** A seal that is signed, and with it all before it. */
export interface AuditCheckpointTable {
  /** Number of the seal. */
  number: number
  hash: string
  total: number
  madeAt: number
  keyId: string
  /** Ed25519, base64. */
  signature: string
}

/** Bytes by content. Reached only through a repo that links them. */
export interface BlobTable {
  sha256: string
  size: number
  createdAt: number
  /** Not collected before this time, whatever links it. */
  leaseUntil: number
  leaseGeneration: number
  /** The Xet file that holds these bytes, or null. */
  xetHash: string | null
  /** Whether a large file with these bytes lies in the blob store. It is preferred to the Xet file. */
  hasObject: Flag
  /** Not collected before this time, so that whoever took away its last name can take that back. */
  keptUntil: Generated<number>
  /**
   * Since when the Xet file is read in place of the large file, whose bytes still lie in the blob store for those who are reading them.
   * Negative: since when these are being removed, and nobody may count on them or write them. Null: neither.
   */
  retiredAt: number | null
}

/**
 * A pack of chunks in the blob store, named by the root over its chunks. Without chunks (`chunkCount` 0) it is only announced: its bytes
 * are on their way, and nobody may count on them.
 */
export interface XorbTable {
  /** The text of a Xet hash, as in all tables of Xet. */
  hash: string
  /** Stored bytes. */
  size: number
  rawSize: number
  chunkCount: number
  /** For each chunk its hash (32 bytes), its end in the stored bytes and its end in the raw bytes (u32, little-endian). */
  chunkIndex: Uint8Array
  createdAt: number
  /** Not collected before this time, whatever is made of it. */
  leaseUntil: number
  /** -1: its bytes are being removed. */
  leaseGeneration: number
}

/** Who may build files of a xorb's chunks: those who sent its bytes. A scope is a workspace's id, else an owner's. */
export interface XorbScopeTable {
  scope: string
  xorbHash: string
  createdAt: number
  /** Since when no repo of the scope has a file of it, as far as a collection saw. */
  staleSince: number | null
}

/** A file as a sequence of chunks. Its SHA-256 was computed here, from the bytes. */
export interface XetFileTable {
  hash: string
  size: number
  sha256: string
  /** For each term the xorb's hash (32 bytes), first chunk, end (exclusive), raw bytes, zero (u32, little-endian). */
  terms: Uint8Array
  createdAt: number
}

export interface XetFileXorbTable {
  fileHash: string
  xorbHash: string
  createdAt: number
}

/** By which chunks global dedup finds a xorb: the first of each file, and one of 1024. */
export interface XetChunkTable {
  scope: string
  chunkHash: string
  xorbHash: string
}

/** What a check found in the blob store: bytes that are not what their name says, or that no row names. */
export interface StoreFindingTable {
  kind: 'object' | 'xorb'
  hash: string
  fault: 'damaged' | 'stray'
  size: number
  /** What is wrong, in words. */
  reason: string
  foundAt: number
  /** When it was last found so. */
  checkedAt: number
}

/** How much a repo or a namespace stores, as last counted. */
export interface StorageUsageTable {
  /** Of the repo or of the namespace. */
  id: string
  holder: 'repo' | 'namespace'
  files: number
  /** Bytes of its large files, each as often as repos link it. */
  logical: number
  /** Bytes that are stored for them, each once. */
  stored: number
  countedAt: number
}

export interface RepoBlobTable {
  repoId: string
  sha256: string
  size: number
  createdAt: number
  /** When a commit first named it; null while it is only uploaded. */
  referencedAt: number | null
}

/** A multipart upload that has begun. Its parts lie in the blob store's incoming folder under this id. */
export interface UploadTable {
  id: string
  repoId: string
  ownerId: string
  sha256: string
  size: number
  partSize: number
  createdAt: number
  expiresAt: number
}

export interface LfsLockTable {
  id: string
  repoId: string
  path: string
  ref: string | null
  ownerId: string
  lockedAt: number
}

/**
 * Bytes that a repo holds and what scanners make of them. `content` is `git:<object id>` of a plain file or `sha256:<hex>` of a large file, so the
 * same bytes in many repos are one row.
 */
export interface ContentScanTable {
  content: string
  size: number
  state: 'queued' | 'scanning' | 'done' | 'error'
  /** The worst of all results; what an earlier scan found stays while another waits. `unscanned`: none has ended yet. */
  level: 'unscanned' | 'safe' | 'caution' | 'suspicious' | 'unsafe' | 'error'
  /** Which scanners in which versions the level comes from; null before the first scan ended. */
  scanners: string | null
  /** Why it is in `error`, or why it waits. */
  reason: string | null
  /** Scans that began and did not end well, since it was queued. */
  attempts: number
  /** Queued: not before this time. Scanning: until then the claim holds. */
  dueAt: number
  /** Who is scanning it. */
  claim: string | null
  queuedAt: number
  scannedAt: number | null
  /** When its level or its imports last changed, or a release of it was taken back; 0 before the first. */
  foundAt: number
  /** The set of imports that only an organization's own list can admit; null where there are none. */
  importSet: string | null
}

/** What pickles import that no list of a framework names. Contents with the same imports share one. */
export interface ImportSetTable {
  /** SHA-256 over the other two. */
  id: string
  /** JSON: `[[module, name], ...]`, sorted. */
  imports: string
  /** Why no list may admit it: something dangerous, something that was not read, too many to keep; null where one may. */
  barred: 'dangerous' | 'partly' | 'many' | null
}

/** What one scanner said of a content, with the signatures that it had then. */
export interface ScanResultTable {
  content: string
  scanner: string
  version: string
  level: 'safe' | 'caution' | 'suspicious' | 'unsafe'
  message: string | null
  /** JSON: `{"imports": [{"module", "name", "safety"}], "names": []}`. */
  details: string
  scannedAt: number
}

/** Which repo holds a content, and under which object of git: for a large file its pointer. */
export interface ScanPlaceTable {
  content: string
  repoId: string
  oid: string
}

/** An administrator has looked at a content and lets it out of quarantine, wherever it lies. */
export interface ScanReleaseTable {
  content: string
  reason: string
  releasedAt: number
  /** A user. */
  releasedBy: string | null
}

/** Up to which commits the files of a repo have been written down for scanning. */
export interface RepoScanTable {
  repoId: string
  /** JSON array of object ids that refs pointed to. */
  heads: string
  listedAt: number
}

/** Somebody downloaded a content from a repo, on one day, with one credential, from one address: counted up, not written again. */
export interface DownloadRecordTable {
  /** Its time is that of the first download. */
  id: string
  /** Hash of what makes it one record: content, repo, day, who, credential, address, way. */
  key: string
  /** As scans name it; `repo:<id>` for a fetch by git, which gets all that the commits lead to. */
  content: string
  repoId: string
  repoKind: 'model' | 'dataset' | 'space'
  /** `owner/name`, as it was then. */
  repoName: string
  /** Who owned the repo then: its administrators are shown the record. */
  ownerId: string
  /** Of the first download; null where it was asked for by hash. */
  path: string | null
  /** JSON array of object ids: of the first download, or what a fetch asked for. */
  commits: string
  via: 'resolve' | 'raw' | 'page' | 'lfs' | 'xet' | 'git'
  actorKind: 'user' | 'service-account' | 'organization' | 'anonymous' | 'system'
  actorId: string | null
  actorName: string
  credentialKind: 'session' | 'token' | null
  credentialId: string | null
  credentialLast4: string | null
  ip: string | null
  /** Of the last download. */
  userAgent: string | null
  requests: number
  /** Asked for, in sum; 0 for a fetch by git. */
  bytes: number
  firstAt: number
  lastAt: number
}

/** A read that is proven: features/downloads/audit-format.ts says what is hashed. Pruned as a whole seal, whose hashes stay. */
export interface AuditedDownloadTable extends Omit<DownloadRecordTable, 'key'> {
  /** Number of the seal. */
  seal: number
  /** SHA-256 of the other columns. */
  hash: string
}

export interface DownloadSealTable {
  /** 1, 2, 3, ... without gaps. */
  number: number
  sealedAt: number
  total: number
  previous: string
  hash: string
  /** Once its records are pruned: a line `<id> <hash>` of each. */
  keptHashes: string | null
}

export type DownloadCheckpointTable = AuditCheckpointTable

/** A model that servers answer for. */
export interface InferenceModelTable {
  repoId: string
  /** As it was named; null: whatever the head is. */
  revision: string | null
  /** What the revision was then. */
  commit: string | null
  /** 1: the hub runs the model itself, and no server answers for it. */
  embedded: number
  updatedAt: number
}

export type BackendKind = 'vllm' | 'tgi' | 'tei' | 'llama.cpp' | 'ollama' | 'openai'

export interface InferenceBackendTable {
  id: string
  repoId: string
  position: number
  url: string
  kind: BackendKind
  /** What the server calls the model; null: as the repo is called. */
  model: string | null
  /** Encrypted by the key ring. */
  secret: string | null
  weight: number
  createdAt: number
}

/** One call of a model. Names as they were then: neither repo nor account need to be there any more. */
export interface InferenceUsageTable {
  id: string
  at: number
  repoId: string
  repoName: string
  /** Whose model it was. */
  ownerId: string
  /** An organization, or a user. */
  billedId: string
  billedName: string
  /** The workspace of that organization which was named to be billed. */
  workspaceId: string | null
  workspaceName: string | null
  commit: string | null
  /** Such as `chat/completions`. */
  route: string
  actorKind: string
  actorId: string
  actorName: string
  tokenId: string | null
  tokenLast4: string | null
  /** Of a child token: with its limits the call is counted. */
  parentTokenId: string | null
  /** Kind and host of the server that answered; null: none did. */
  backend: string | null
  /** Of the answer to the caller; 499 where the caller left before its end. */
  status: number
  /** As the server says; null where it does not. */
  tokensIn: number | null
  tokensOut: number | null
  firstByteMs: number | null
  tookMs: number
}

/** How much of an organization's inference may be used; null: any amount. */
export interface InferenceLimitTable {
  organizationId: string
  /** The id of the organization, of a workspace, a user or a service account; or of whom a default is: `member`, `service-account`, ... */
  subject: string
  kind: 'organization' | 'default' | 'workspace' | 'user' | 'service-account'
  requestsPerMinute: number | null
  requestsPerMonth: number | null
  tokensPerMinute: number | null
  tokensPerMonth: number | null
}

/** Sums over `inferenceUsage`, kept in step with it. */
export interface InferenceMonthTable {
  /** An organization, or a user. */
  billedId: string
  /** Such as 202611, in UTC. */
  month: number
  /** Whoever is billed as a whole, or a workspace, an account or a token in that. */
  subject: string
  calls: number
  tokens: number
}

export interface SecurityWebhookTable {
  id: string
  /** Null: it is told of the whole hub. */
  organizationId: string | null
  url: string
  /** JSON array such as ["token.*"]. */
  scopes: string
  /** Encrypted by the key ring. */
  secret: string
  /** Signs as well until its time. */
  oldSecret: string | null
  oldSecretUntil: number | null
  createdAt: number
  isActive: Generated<Flag>
  switchedOffReason: string | null
  /** What was delivered last: the seal of the audit log, and the place within it. */
  seal: number
  position: number
  downloadSeal: number
  /** Not before this is tried again. */
  nextAt: number
  failures: Generated<number>
  failingSince: number | null
  lastError: string | null
  lastDeliveredAt: number | null
  /** Which process delivers at this moment. */
  holder: string | null
  leaseUntil: Generated<number>
}

export interface WebhookDeliveryTable {
  id: string
  webhookId: string
  at: number
  kind: 'events' | 'test' | 'again'
  /** Null where nothing answered. */
  status: number | null
  error: string | null
  events: number
  tookMs: number
  body: string
}

/** A public key or a certificate whose signatures of models an organization believes. */
export interface TrustedModelKeyTable {
  id: string
  organizationId: string
  kind: 'key' | 'certificate'
  name: string
  /** SHA-256 in hex: of a key over its PEM, as signature files name it; of a certificate over its DER. */
  fingerprint: string
  pem: string
  createdAt: number
  /** A user. */
  createdBy: string | null
}

/** What was found of the model signature in a commit. It counts as verified only while `keyId` is trusted. */
export interface ModelSignatureTable {
  repoId: string
  commit: string
  status: 'verified' | 'unverified' | 'none'
  reason: string | null
  /** The reason as a sentence. */
  detail: string | null
  /** The path of the signature. */
  file: string | null
  /** Its bytes, named as scans name contents. */
  bundle: string | null
  /** A trusted key, or the trusted certificate that the signer's chain ends at. */
  keyId: string | null
  /** The subject of the certificate that signed, or the fingerprint of a key that is not trusted. */
  signer: string | null
  /** Who was trusted when it was judged, as a hash over their ids. */
  trust: string
  /** JSON: which files differ, and how many. */
  report: string
  /** When these bytes first came to this repo as a signature. */
  seenAt: number
  checkedAt: number
}

/** Large files of a revision whose signature was verified: whoever asks for bytes by hash names no commit. */
export interface SignedContentTable {
  repoId: string
  content: string
  commit: string
}

/** Digests of contents that scans and git do not name by them. `kind`: `sha256`, `blake2b`, `blake3`, or with `/` and the size of a shard. */
export interface ContentDigestTable {
  content: string
  kind: string
  /** Lowercase hex; of shards one behind the other, with commas between. */
  digest: string
}

export interface JobTable {
  id: string
  queue: string
  payload: string
  state: 'ready' | 'running' | 'dead'
  runAt: number
  attempts: number
  maxAttempts: number
  leaseUntil: number | null
  worker: string | null
  dedupKey: string | null
  lastError: string | null
  createdAt: number
}

/** The weekly mail about tokens. No row: it is on, and nobody was told yet. */
export interface TokenMailTable {
  userId: string
  /** When the person switched it off; null: it is on. */
  offAt: number | null
  /** When a mail was last left to be written, were there anything to tell. */
  toldAt: number | null
}

/** What administrators of the hub say on every page, for a while. */
export interface AnnouncementTable {
  id: string
  /** One line, as it was typed. */
  text: string
  kind: 'info' | 'warning'
  startsAt: number
  /** Null: until it is taken back. */
  endsAt: number | null
  createdAt: number
  createdBy: string
}

/** Counters that slow down guessing: sign-ins per name and per address, resets, sign-ups. */
export interface ThrottleTable {
  key: string
  count: number
  windowStartedAt: number
  blockedUntil: number | null
}

export interface InstanceTable {
  key: string
  value: string
}

export interface TokenDigestTable {
  /** HMAC of the SHA-256 of a value that is kept, hex. */
  digest: string
  /** As of `accessToken` or `formerTokenValue`. */
  hash: string
}

export interface Schema {
  namespace: NamespaceTable
  retiredName: RetiredNameTable
  user: UserTable
  email: EmailTable
  session: SessionTable
  totpSecret: TotpSecretTable
  passkey: PasskeyTable
  recoveryCode: RecoveryCodeTable
  pendingSignIn: PendingSignInTable
  spentChallenge: SpentChallengeTable
  oneTimeLink: OneTimeLinkTable
  accessToken: AccessTokenTable
  formerTokenValue: FormerTokenValueTable
  tokenDigest: TokenDigestTable
  tokenGrant: TokenGrantTable
  oauthClient: OauthClientTable
  oauthConsent: OauthConsentTable
  oauthGrant: OauthGrantTable
  oauthRefreshToken: OauthRefreshTokenTable
  oauthDevice: OauthDeviceTable
  oauthCode: OauthCodeTable
  oauthSigningKey: OauthSigningKeyTable
  honeyToken: HoneyTokenTable
  tokenUse: TokenUseTable
  tokenCaller: TokenCallerTable
  organization: OrganizationTable
  organizationToken: OrganizationTokenTable
  trustedPublisher: TrustedPublisherTable
  usedIdToken: UsedIdTokenTable
  serviceAccount: ServiceAccountTable
  memberGroup: MemberGroupTable
  groupMember: GroupMemberTable
  invitation: InvitationTable
  signingKey: SigningKeyTable
  signingKeyPart: SigningKeyPartTable
  commitSignature: CommitSignatureTable
  signingPolicy: SigningPolicyTable
  workspace: WorkspaceTable
  roleGrant: RoleGrantTable
  repo: RepoTable
  accessRequest: AccessRequestTable
  gateTerms: GateTermsTable
  repoTag: RepoTagTable
  repoRedirect: RepoRedirectTable
  refIntent: RefIntentTable
  event: EventTable
  auditSeal: AuditSealTable
  sealedEvent: SealedEventTable
  auditCheckpoint: AuditCheckpointTable
  blob: BlobTable
  repoBlob: RepoBlobTable
  xorb: XorbTable
  xorbScope: XorbScopeTable
  xetFile: XetFileTable
  xetFileXorb: XetFileXorbTable
  xetChunk: XetChunkTable
  storeFinding: StoreFindingTable
  storageUsage: StorageUsageTable
  upload: UploadTable
  lfsLock: LfsLockTable
  announcement: AnnouncementTable
  tokenMail: TokenMailTable
  inferenceModel: InferenceModelTable
  inferenceBackend: InferenceBackendTable
  inferenceUsage: InferenceUsageTable
  inferenceLimit: InferenceLimitTable
  inferenceMonth: InferenceMonthTable
  job: JobTable
  contentScan: ContentScanTable
  scanResult: ScanResultTable
  scanPlace: ScanPlaceTable
  repoScan: RepoScanTable
  scanRelease: ScanReleaseTable
  downloadRecord: DownloadRecordTable
  auditedDownload: AuditedDownloadTable
  downloadSeal: DownloadSealTable
  downloadCheckpoint: DownloadCheckpointTable
  securityWebhook: SecurityWebhookTable
  webhookDelivery: WebhookDeliveryTable
  trustedModelKey: TrustedModelKeyTable
  modelSignature: ModelSignatureTable
  signedContent: SignedContentTable
  contentDigest: ContentDigestTable
  importSet: ImportSetTable
  companyIdentity: CompanyIdentityTable
  companyGroupMapping: CompanyGroupMappingTable
  companyGrant: CompanyGrantTable
  throttle: ThrottleTable
  instance: InstanceTable
}
