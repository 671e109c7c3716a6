/**
 * Every setting, once: its environment variable, schema, default and one sentence. The only reader of `process.env`.
 * docs/configuration.md is generated from this table. Reading is in two steps: flat strings, then a checked object.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { z } from 'zod'
import { type ScopeName, scopeNames } from './domain/event-scopes.ts'
import { type OutboundAllow, parseOutboundAllow } from './platform/outbound/addresses.ts'
import { parseSyslogTarget, type SyslogTarget } from './platform/syslog/connection.ts'

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1')
const bytes = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$/i, 'a size such as 10MiB')
  .transform(parseBytes)
const duration = z
  .string()
  .regex(/^\d+\s*(s|m|h|d)$/, 'a time such as 30s, 15m, 12h or 7d')
  .transform(parseDuration)

interface Setting {
  readonly env: string
  readonly schema: z.ZodType
  readonly fallback: string | null
  readonly about: string
  readonly secret?: true
}

const personLimit = <Env extends string>(env: Env, about: string) =>
  ({
    env: `HOLDFAST_INFERENCE_PERSON_${env}`,
    schema: z.coerce.number().int().min(0),
    fallback: '0',
    about: `${about}; 0: any number. What organizations pay for they limit themselves.`,
  }) as const

export const settings = {
  dataFolder: {
    env: 'HOLDFAST_DATA',
    schema: z.string().min(1),
    fallback: './data',
    about: 'Folder for the database, repositories, large files and keys.',
  },
  host: {
    env: 'HOLDFAST_HOST',
    schema: z.string().min(1),
    fallback: '127.0.0.1',
    about: 'Address to listen on. Set 0.0.0.0 to serve other machines; put TLS in front.',
  },
  port: {
    env: 'HOLDFAST_PORT',
    schema: z.coerce.number().int().min(0).max(65535),
    fallback: '3000',
    about: 'Port to listen on; 0 takes a free one.',
  },
  publicUrl: {
    env: 'HOLDFAST_URL',
    schema: z.url({ protocol: /^https?$/ }),
    fallback: null,
    about:
      'Address under which people reach this hub. Every link and every upload address begins with it. Default: http://localhost:PORT.',
  },
  databaseUrl: {
    env: 'HOLDFAST_DATABASE_URL',
    schema: z.string().regex(/^postgres(ql)?:\/\//, 'a postgres:// address'),
    fallback: null,
    about: 'PostgreSQL to use instead of the SQLite file in the data folder.',
    secret: true,
  },
  instanceName: {
    env: 'HOLDFAST_NAME',
    schema: z.string().min(1).max(60),
    fallback: 'Holdfast',
    about: 'Name of this hub, shown on the sign-in page and in e-mails.',
  },
  signUp: {
    env: 'HOLDFAST_SIGN_UP',
    schema: z.enum(['open', 'invite', 'closed']),
    fallback: 'open',
    about: 'Who may make an account: anybody who reaches the hub, holders of an invitation link, or nobody.',
  },
  legacyOrgTokens: {
    env: 'HOLDFAST_LEGACY_ORG_TOKENS',
    schema: flag,
    fallback: 'false',
    about:
      'Whether the deprecated token of a whole organization is taken (`api_org_...`), which only `holdfast admin create-org-token` makes. Service accounts replace it.',
  },
  requireVerifiedEmail: {
    env: 'HOLDFAST_REQUIRE_VERIFIED_EMAIL',
    schema: flag,
    fallback: 'false',
    about: 'Whether an account must verify an e-mail address before it can create tokens and repos.',
  },
  smtpUrl: {
    env: 'HOLDFAST_SMTP_URL',
    schema: z.string().regex(/^smtps?:\/\//, 'an smtp:// or smtps:// address'),
    fallback: null,
    about:
      'Mail server, as smtp://user:password@host:port. Without one, "holdfast admin" shows the links that would be mailed.',
    secret: true,
  },
  mailFrom: {
    env: 'HOLDFAST_MAIL_FROM',
    schema: z.string().min(3),
    fallback: 'Holdfast <holdfast@localhost>',
    about: 'Sender of e-mails.',
  },
  sessionLifetime: {
    env: 'HOLDFAST_SESSION_LIFETIME',
    schema: duration,
    fallback: '30d',
    about: 'How long a sign-in lasts without use.',
  },
  trustedProxies: {
    env: 'HOLDFAST_TRUSTED_PROXIES',
    schema: z.string().transform(parseList),
    fallback: '',
    about: 'Addresses or CIDR ranges, separated by commas, of proxies whose X-Forwarded-For is believed.',
  },
  accelRedirect: {
    env: 'HOLDFAST_ACCEL_REDIRECT',
    schema: z.string().regex(/^\/[\w/-]*\/$/, 'a location such as /_blobs/'),
    fallback: null,
    about:
      'Internal nginx location that maps to the data folder; file bytes are then sent by nginx (X-Accel-Redirect).',
  },
  s3Bucket: {
    env: 'HOLDFAST_S3_BUCKET',
    schema: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket'),
    fallback: null,
    about: 'Bucket of an S3-compatible store for large files, in place of the data folder: docs/object-storage.md.',
  },
  s3Endpoint: {
    env: 'HOLDFAST_S3_ENDPOINT',
    schema: z.url({ protocol: /^https?$/ }),
    fallback: null,
    about: 'Address under which this hub reaches the store. Default: Amazon S3 of the region.',
  },
  s3Region: {
    env: 'HOLDFAST_S3_REGION',
    schema: z.string().regex(/^[\w-]+$/, 'a region such as eu-central-1'),
    fallback: 'us-east-1',
    about: 'Region of the bucket.',
  },
  s3Prefix: {
    env: 'HOLDFAST_S3_PREFIX',
    schema: z.string().regex(/^([\w.-]+\/)*[\w.-]*$/, 'a path such as holdfast/'),
    fallback: '',
    about: 'What every key in the bucket begins with, so that hubs can share a bucket.',
  },
  s3AccessKeyId: {
    env: 'HOLDFAST_S3_ACCESS_KEY_ID',
    schema: z.string().min(1),
    fallback: null,
    about: 'Access key for the bucket.',
    secret: true,
  },
  s3SecretAccessKey: {
    env: 'HOLDFAST_S3_SECRET_ACCESS_KEY',
    schema: z.string().min(1),
    fallback: null,
    about: 'Secret access key for the bucket.',
    secret: true,
  },
  s3ForcePathStyle: {
    env: 'HOLDFAST_S3_FORCE_PATH_STYLE',
    schema: flag,
    fallback: null,
    about:
      'Whether the bucket is the first part of the path and not of the host name. Default: true with HOLDFAST_S3_ENDPOINT, else false.',
  },
  s3PublicEndpoint: {
    env: 'HOLDFAST_S3_PUBLIC_ENDPOINT',
    schema: z.url({ protocol: /^https?$/ }),
    fallback: null,
    about:
      'Address under which clients reach the store by themselves, on another host name than this hub. Without one, all bytes go through the hub.',
  },
  s3Redirect: {
    env: 'HOLDFAST_S3_REDIRECT',
    schema: flag,
    fallback: 'false',
    about:
      'Whether downloads of 1 MiB and more are sent to HOLDFAST_S3_PUBLIC_ENDPOINT with an address for five minutes.',
  },
  maxRegularFile: {
    env: 'HOLDFAST_MAX_REGULAR_FILE',
    schema: bytes,
    fallback: '10MiB',
    about: 'Largest file that is kept in git itself; larger ones must be uploaded as large files (LFS).',
  },
  maxInlineFile: {
    env: 'HOLDFAST_MAX_INLINE_FILE',
    schema: bytes,
    fallback: '1GiB',
    about: 'Largest file that may come inside the body of an API commit.',
  },
  maxFileSize: { env: 'HOLDFAST_MAX_FILE', schema: bytes, fallback: '500GiB', about: 'Largest single large file.' },
  multipartPart: {
    env: 'HOLDFAST_MULTIPART_PART',
    schema: bytes,
    fallback: '512MiB',
    about: 'Large files above this size are uploaded in parts of this size by clients that can.',
  },
  maxPush: {
    env: 'HOLDFAST_MAX_PUSH',
    schema: bytes,
    fallback: '4GiB',
    about: 'Largest pack that one git push may send; large files do not count.',
  },
  xetDedup: {
    env: 'HOLDFAST_XET_DEDUP',
    schema: z.enum(['owner', 'instance']),
    fallback: 'owner',
    about:
      'How far Xet shares chunks: within a workspace, else an owner; or between all repos of the hub, where whoever may upload can tell which chunks exist.',
  },
  xetMove: {
    env: 'HOLDFAST_XET_MOVE',
    schema: z.enum(['on', 'off']),
    fallback: 'on',
    about:
      'Whether large files that came by LFS are moved into Xet storage in the background, so that later versions share their chunks.',
  },
  xetMoveLeast: {
    env: 'HOLDFAST_XET_MOVE_LEAST',
    schema: bytes,
    fallback: '1MiB',
    about: 'Smallest file that is moved: a smaller one has too few chunks to share to be worth a pack of its own.',
  },
  undoDays: {
    env: 'HOLDFAST_UNDO_DAYS',
    schema: z.coerce.number().int().min(0).max(3650),
    fallback: '7',
    about:
      'Days for which a deleted repo can be restored, and for which large files are kept after the last commit that named them is gone.',
  },
  scrubDays: {
    env: 'HOLDFAST_SCRUB_DAYS',
    schema: z.coerce.number().int().min(0).max(3650),
    fallback: '30',
    about: 'Days in which every stored byte is read again and compared with its hash; 0 switches this off.',
  },
  scrubRate: {
    env: 'HOLDFAST_SCRUB_RATE',
    schema: bytes,
    fallback: '50MB',
    about: 'Bytes that this reads in a second at most.',
  },
  clamd: {
    env: 'HOLDFAST_CLAMD',
    schema: z.string().regex(/^(\/.+|[^/\s]+:\d{1,5})$/, 'host:port, or the path of a local socket'),
    fallback: null,
    about:
      'The clamd that scans files for malware beside the rules of this hub, as host:port or the path of its socket.',
  },
  clamdStream: {
    env: 'HOLDFAST_CLAMD_STREAM',
    schema: bytes,
    fallback: '25MB',
    about:
      "Bytes that are sent to clamd at once; longer files go in overlapping windows. At most clamd's StreamMaxLength, MaxFileSize and MaxScanSize.",
  },
  scanPolicy: {
    env: 'HOLDFAST_SCAN_POLICY',
    schema: z.enum(['warn', 'block_infected', 'block_until_scanned']),
    fallback: 'warn',
    about:
      'What happens to files that scanners find unsafe: they are marked, or nobody can download them; the last also holds what is not scanned yet. Organizations may be stricter.',
  },
  leakedTokens: {
    env: 'HOLDFAST_LEAKED_TOKENS',
    schema: z.enum(['refuse', 'record']),
    fallback: 'refuse',
    about:
      'What happens to a push or commit that holds a live access token of this hub. The token is revoked in either case; the push is refused, or taken and recorded. Organizations may be stricter.',
  },
  pushProtection: {
    env: 'HOLDFAST_PUSH_PROTECTION',
    schema: z.enum(['off', 'warn', 'block']),
    fallback: 'warn',
    about:
      'What happens to a push or commit that holds anything else that looks like a secret: nothing, a warning to whoever pushes, or a refusal. Organizations may be stricter.',
  },
  downloadRecords: {
    env: 'HOLDFAST_DOWNLOAD_RECORDS',
    schema: z.enum(['restricted', 'all', 'off']),
    fallback: 'restricted',
    about:
      'Of which downloads it is written down who made them: of private repos and of files known to be unsafe; of everything, people who are not signed in by their address; or of nothing.',
  },
  downloadRecordDays: {
    env: 'HOLDFAST_DOWNLOAD_RECORD_DAYS',
    schema: z.coerce.number().int().min(0).max(36_500),
    fallback: '365',
    about: 'Days after which these records are removed; 0 keeps them.',
  },
  downloadAuditDays: {
    env: 'HOLDFAST_DOWNLOAD_AUDIT_DAYS',
    schema: z.coerce.number().int().min(0).max(36_500),
    fallback: '730',
    about:
      'Days after which the records of audited downloads are pruned: their hashes stay, and so does the proof. 0 keeps them.',
  },
  inferenceFirstByte: {
    env: 'HOLDFAST_INFERENCE_FIRST_BYTE',
    schema: duration,
    fallback: '120s',
    about:
      'How long a server that answers for a model may think before its first byte, and be silent between two; then the next one is asked, or the caller told.',
  },
  inferenceConcurrency: {
    env: 'HOLDFAST_INFERENCE_CONCURRENCY',
    schema: z.coerce.number().int().min(1).max(10_000),
    fallback: '256',
    about:
      'Calls that one server of a model gets at once from this process. As many more wait for their turn; the others are told to come again.',
  },
  inferenceMemory: {
    env: 'HOLDFAST_INFERENCE_MEMORY',
    schema: bytes,
    fallback: '2GiB',
    about:
      'Memory that models may take together which this hub runs itself, in each of its processes. The one that was not called for longest makes room for the next.',
  },
  inferenceProbe: {
    env: 'HOLDFAST_INFERENCE_PROBE',
    schema: z.coerce.number().int().min(0).max(3_600),
    fallback: '15',
    about:
      'Seconds between two looks at the servers of models that were called in the last hour: whether one that failed is there again, and whether one that nobody calls is. 0 looks at none.',
  },
  inferenceUsageDays: {
    env: 'HOLDFAST_INFERENCE_USAGE_DAYS',
    schema: z.coerce.number().int().min(0).max(36_500),
    fallback: '400',
    about: 'Days after which the records of calls of models are removed; 0 keeps them.',
  },
  personRequestsPerMinute: personLimit('REQUESTS_PER_MINUTE', 'Calls of models in a minute that a person pays for'),
  personRequestsPerMonth: personLimit(
    'REQUESTS_PER_MONTH',
    'Calls of models in a calendar month that a person pays for',
  ),
  personTokensPerMinute: personLimit('TOKENS_PER_MINUTE', 'Tokens, in and out, of such calls in a minute'),
  personTokensPerMonth: personLimit('TOKENS_PER_MONTH', 'Tokens, in and out, of such calls in a calendar month'),
  outboundAllow: {
    env: 'HOLDFAST_OUTBOUND_ALLOW',
    schema: z.string().transform(parseOutboundList),
    fallback: '',
    about:
      'Private hosts and networks, separated by commas, that this hub may send requests to where people name the address, such as issuers of ID tokens: ci.internal, 10.0.0.0/8. Also the only ones without https.',
  },
  oidcIssuer: {
    env: 'HOLDFAST_OIDC_ISSUER',
    schema: z.url({ protocol: /^https?$/ }),
    fallback: null,
    about:
      "Issuer of the company's OpenID provider, through which people sign in: docs/company-sign-in.md. On a private network HOLDFAST_OUTBOUND_ALLOW has to let it through.",
  },
  oidcClientId: {
    env: 'HOLDFAST_OIDC_CLIENT_ID',
    schema: z.string().min(1),
    fallback: null,
    about: 'What this hub is called there.',
  },
  oidcClientSecret: {
    env: 'HOLDFAST_OIDC_CLIENT_SECRET',
    schema: z.string().min(1),
    fallback: null,
    about: 'Its secret there. A public client has none and is protected by PKCE alone.',
    secret: true,
  },
  oidcClientSecretFile: {
    env: 'HOLDFAST_OIDC_CLIENT_SECRET_FILE',
    schema: z.string().min(1),
    fallback: null,
    about: 'File that holds this secret, in place of the secret itself.',
  },
  oidcName: {
    env: 'HOLDFAST_OIDC_NAME',
    schema: z.string().min(1).max(40),
    fallback: 'your company',
    about: 'What stands on the button: "Sign in with Acme".',
  },
  oidcScopes: {
    env: 'HOLDFAST_OIDC_SCOPES',
    schema: z.string().regex(/(^|\s)openid(\s|$)/, 'a list of scopes with openid in it'),
    fallback: 'openid profile email',
    about: 'Scopes that are asked for, separated by spaces.',
  },
  oidcUsernameClaim: {
    env: 'HOLDFAST_OIDC_USERNAME_CLAIM',
    schema: z.string().min(1),
    fallback: 'preferred_username',
    about: 'Claim from which a new account takes its username; of an address only what stands before the @.',
  },
  oidcGroupsClaim: {
    env: 'HOLDFAST_OIDC_GROUPS_CLAIM',
    schema: z.string().min(1),
    fallback: 'groups',
    about: 'Claim that lists the groups of a person.',
  },
  oidcJoin: {
    env: 'HOLDFAST_OIDC_JOIN',
    schema: flag,
    fallback: 'false',
    about:
      'Whether somebody who has no account gets one at the first sign-in through the provider. Anybody with an account at the provider can then join.',
  },
  oidcTrustEmail: {
    env: 'HOLDFAST_OIDC_TRUST_EMAIL',
    schema: flag,
    fallback: 'false',
    about:
      'Whether an e-mail address that the provider calls verified connects a person to the account that has verified the same address. Otherwise people connect their accounts themselves.',
  },
  oidcEmailDomains: {
    env: 'HOLDFAST_OIDC_ALLOWED_EMAIL_DOMAINS',
    schema: z.string().transform((text) => parseList(text.toLowerCase())),
    fallback: '',
    about:
      'Domains, separated by commas: only people whose address the provider calls verified and who are of one of them may come in through it. Empty: everybody whom the provider lets in.',
  },
  oidcSecondFactor: {
    env: 'HOLDFAST_OIDC_SECOND_FACTOR',
    schema: z.string().transform(parseList),
    fallback: '',
    about:
      "Values of the provider's amr or acr, separated by commas, that count as a second factor, such as mfa. Otherwise people with a second factor of this hub are asked for it.",
  },
  oidcOnly: {
    env: 'HOLDFAST_OIDC_ONLY',
    schema: flag,
    fallback: 'false',
    about:
      'Whether people sign in through the provider alone. Administrators of the hub can still use their passwords, for the day when the provider is down.',
  },
  syslog: {
    env: 'HOLDFAST_SYSLOG',
    schema: z.string().transform(parseSyslog),
    fallback: null,
    about:
      'Receiver that is told of everything in the audit log, as tls://host:port (or tcp://host:port, which anybody on the way can read): docs/audit.md.',
  },
  syslogCa: {
    env: 'HOLDFAST_SYSLOG_CA',
    schema: z.string().min(1),
    fallback: null,
    about:
      'File of certificates (PEM) that the receiver must have its certificate from. Default: those that every system trusts.',
  },
  syslogActions: {
    env: 'HOLDFAST_SYSLOG_ACTIONS',
    schema: z.string().transform(parseScopes),
    fallback: '*',
    about: `What the receiver is told of, separated by commas: ${scopeNames.join(', ')}.`,
  },
  rateLimitApi: {
    env: 'HOLDFAST_RATE_LIMIT_API',
    schema: z.coerce.number().int().min(0),
    fallback: '10000',
    about: 'API requests that one caller may make in five minutes; 0 switches the limit off.',
  },
  rateLimitResolvers: {
    env: 'HOLDFAST_RATE_LIMIT_RESOLVERS',
    schema: z.coerce.number().int().min(0),
    fallback: '50000',
    about: 'File requests that one caller may make in five minutes; 0 switches the limit off.',
  },
  rateLimitPages: {
    env: 'HOLDFAST_RATE_LIMIT_PAGES',
    schema: z.coerce.number().int().min(0),
    fallback: '2000',
    about: 'Page views that one caller may make in five minutes; 0 switches the limit off.',
  },
  logLevel: {
    env: 'HOLDFAST_LOG_LEVEL',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    fallback: 'info',
    about: 'Least level that is written to the log (standard error, one JSON object per line).',
  },
  keyRing: {
    env: 'HOLDFAST_KEYS',
    schema: z.string().min(1),
    fallback: null,
    about: 'The instance keys as JSON, in place of keys.json in the data folder.',
    secret: true,
  },
} as const satisfies Record<string, Setting>

type SettingName = keyof typeof settings
type Read = {
  [K in SettingName]:
    | z.output<(typeof settings)[K]['schema']>
    | ((typeof settings)[K]['fallback'] extends null ? null : never)
}

type S3Name = Extract<SettingName, `s3${string}`>
type OidcName = Extract<SettingName, `oidc${string}`>

/** The company's OpenID provider, through which people sign in. */
export interface CompanyConfig {
  readonly issuer: string
  readonly clientId: string
  /** Null for a public client. */
  readonly clientSecret: string | null
  readonly name: string
  readonly scopes: string
  readonly usernameClaim: string
  readonly groupsClaim: string
  readonly mayJoin: boolean
  readonly trustsEmail: boolean
  /** Lower case; empty for any. */
  readonly emailDomains: readonly string[]
  readonly secondFactor: readonly string[]
  readonly isOnly: boolean
}

/** The bucket for large files. */
export interface S3Config {
  readonly endpoint: string | null
  readonly bucket: string
  readonly region: string
  /** Empty, or ends in a slash. */
  readonly prefix: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly isPathStyle: boolean
  readonly publicEndpoint: string | null
  /** Downloads are sent to `publicEndpoint`. */
  readonly isRedirecting: boolean
}

export interface Config extends Omit<Read, 'publicUrl' | S3Name | OidcName> {
  /** Without a trailing slash. Empty until the port is known, if neither was set. */
  readonly publicUrl: string
  readonly isHttps: boolean
  /** Null: large files lie in the data folder. */
  readonly s3: S3Config | null
  /** Null: people sign in with their passwords and passkeys alone. */
  readonly company: CompanyConfig | null
  /** Every setting as it was given, for people who run the hub. */
  readonly given: readonly GivenSetting[]
}

export interface GivenSetting {
  /** The environment variable. */
  readonly env: string
  readonly about: string
  /** What counts; null where nothing is set, and for what is secret. */
  readonly value: string | null
  readonly isSet: boolean
  readonly isSecret: boolean
}

/** Thrown with every fault at once, so that a person mends them in one go. */
export class ConfigError extends Error {}

export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const faults: string[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  const shown: GivenSetting[] = []
  for (const name of Object.keys(settings) as SettingName[]) {
    const setting: Setting = settings[name]
    const text = env[setting.env] === '' ? undefined : env[setting.env]
    const given = text ?? setting.fallback
    const isSecret = setting.secret === true
    const [isSet, value] = [text !== undefined, isSecret ? null : given]
    shown.push({ env: setting.env, about: setting.about, value, isSet, isSecret })
    if (given === null) {
      values[name] = null
      continue
    }
    const parsed = setting.schema.safeParse(given)
    if (parsed.success) values[name] = parsed.data
    else
      faults.push(
        `${setting.env}: ${setting.secret ? 'its value' : JSON.stringify(given)} is not valid: ${firstIssue(parsed.error)}`,
      )
  }
  const known = new Set(Object.values(settings).map((setting) => setting.env as string))
  for (const name of Object.keys(env)) {
    if (name.startsWith('HOLDFAST_') && !known.has(name) && !name.startsWith('HOLDFAST_TEST_')) {
      faults.push(`${name}: there is no such setting. docs/configuration.md lists them.`)
    }
  }
  throwFaults(faults)
  return complete(values as unknown as Read, shown)
}

function throwFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new ConfigError(`The settings are not usable:\n  ${faults.join('\n  ')}`)
}

/** Port 0 becomes a free port, so that every address that is handed out names the right one. */
export async function withFreePort(config: Config): Promise<Config> {
  if (config.port !== 0) return config
  const port = await new Promise<number>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, config.host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
  return { ...config, port, publicUrl: config.publicUrl === '' ? `http://localhost:${port}` : config.publicUrl }
}

function complete(read: Read, given: readonly GivenSetting[]): Config {
  const publicUrl = (read.publicUrl ?? (read.port === 0 ? '' : `http://localhost:${read.port}`)).replace(/\/+$/, '')
  return {
    ...withoutParts(read),
    dataFolder: path.resolve(read.dataFolder),
    publicUrl,
    isHttps: publicUrl.startsWith('https:'),
    s3: readS3(read, publicUrl === '' ? 'localhost' : new URL(publicUrl).hostname),
    company: readCompany(read),
    given,
  }
}

/** What is given out as objects of its own. */
function withoutParts(read: Read): Omit<Read, S3Name | OidcName> {
  const kept = Object.entries(read).filter(([name]) => !/^(s3|oidc)[A-Z]/.test(name))
  return Object.fromEntries(kept) as Omit<Read, S3Name | OidcName>
}

/** Throws where the settings of the company's provider do not go together. */
function readCompany(read: Read): CompanyConfig | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret, oidcClientSecretFile } = read
  if (issuer === null || clientId === null) {
    if ((issuer ?? clientId ?? oidcClientSecret ?? oidcClientSecretFile) !== null || read.oidcOnly) {
      throwFaults(['HOLDFAST_OIDC_ISSUER: it and HOLDFAST_OIDC_CLIENT_ID are needed, both, to sign in through it.'])
    }
    return null
  }
  if (oidcClientSecret !== null && oidcClientSecretFile !== null) {
    throwFaults(['HOLDFAST_OIDC_CLIENT_SECRET_FILE: HOLDFAST_OIDC_CLIENT_SECRET is set too. Set one.'])
  }
  return {
    issuer,
    clientId,
    clientSecret: oidcClientSecretFile === null ? oidcClientSecret : readSecretFile(oidcClientSecretFile),
    name: read.oidcName,
    scopes: read.oidcScopes.trim().replace(/\s+/g, ' '),
    usernameClaim: read.oidcUsernameClaim,
    groupsClaim: read.oidcGroupsClaim,
    mayJoin: read.oidcJoin,
    trustsEmail: read.oidcTrustEmail,
    emailDomains: read.oidcEmailDomains,
    secondFactor: read.oidcSecondFactor,
    isOnly: read.oidcOnly,
  }
}

function readSecretFile(file: string): string {
  let secret = ''
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throwFaults([`HOLDFAST_OIDC_CLIENT_SECRET_FILE: ${(error as Error).message}`])
  }
  if (secret === '') throwFaults([`HOLDFAST_OIDC_CLIENT_SECRET_FILE: ${file} is empty.`])
  return secret
}

/** Throws where the settings of the bucket do not go together. `hubHost`: the host name of this hub's own address. */
function readS3(read: Read, hubHost: string): S3Config | null {
  const { s3Bucket: bucket, s3Endpoint: endpoint, s3PublicEndpoint: publicEndpoint } = read
  const { s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = read
  const faults: string[] = []
  if (bucket === null) {
    if ((endpoint ?? accessKeyId ?? secretAccessKey ?? publicEndpoint) !== null || read.s3Redirect) {
      throwFaults(['HOLDFAST_S3_BUCKET: the other settings of S3 need it.'])
    }
    return null
  }
  if (accessKeyId === null) faults.push('HOLDFAST_S3_ACCESS_KEY_ID: the bucket needs it.')
  if (secretAccessKey === null) faults.push('HOLDFAST_S3_SECRET_ACCESS_KEY: the bucket needs it.')
  const isPathStyle = read.s3ForcePathStyle ?? endpoint !== null
  if (publicEndpoint !== null) {
    const { hostname } = new URL(publicEndpoint)
    // Clients follow a redirect on the same host name with their token, whatever the port.
    if ((isPathStyle ? hostname : `${bucket}.${hostname}`) === hubHost) {
      faults.push(
        `HOLDFAST_S3_PUBLIC_ENDPOINT: clients reach the bucket on ${hubHost}, the host name of this hub itself, and would send it their tokens. Give the store another host name.`,
      )
    }
  } else if (read.s3Redirect) {
    faults.push('HOLDFAST_S3_REDIRECT: it needs HOLDFAST_S3_PUBLIC_ENDPOINT, to which clients are sent.')
  }
  throwFaults(faults)
  return {
    endpoint,
    bucket,
    region: read.s3Region,
    prefix: read.s3Prefix === '' || read.s3Prefix.endsWith('/') ? read.s3Prefix : `${read.s3Prefix}/`,
    accessKeyId: accessKeyId ?? '',
    secretAccessKey: secretAccessKey ?? '',
    isPathStyle,
    publicEndpoint,
    isRedirecting: read.s3Redirect,
  }
}

function firstIssue(error: z.ZodError): string {
  return error.issues[0]?.message ?? 'unknown fault'
}

function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text)
  const unit = (match?.[2] ?? '').toLowerCase()
  const factors: Record<string, number> = {
    '': 1,
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
  }
  return Math.round(Number(match?.[1]) * (factors[unit] ?? 1))
}

/** Milliseconds. */
function parseDuration(text: string): number {
  const factors: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }
  return Number.parseInt(text, 10) * (factors[text.at(-1) ?? 's'] ?? 1e3)
}

function parseOutboundList(text: string, context: z.RefinementCtx): OutboundAllow {
  try {
    return parseOutboundAllow(parseList(text))
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a list of hosts' })
    return z.NEVER
  }
}

function parseSyslog(text: string, context: z.RefinementCtx): SyslogTarget {
  try {
    return parseSyslogTarget(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a receiver' })
    return z.NEVER
  }
}

function parseScopes(text: string, context: z.RefinementCtx): ScopeName[] {
  const given = parseList(text)
  const known = scopeNames.filter((scope) => given.includes(scope))
  if (known.length > 0 && known.length === new Set(given).size) return known
  context.addIssue({ code: 'custom', message: `some of ${scopeNames.join(', ')}` })
  return z.NEVER
}

function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
