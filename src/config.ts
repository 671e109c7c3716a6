/**
 * Every setting, once: its environment variable, schema, default and one sentence. The only reader of `process.env`.
 * docs/configuration.md is generated from this table. Reading is in two steps: flat strings, then a checked object.
 */
import { createServer } from 'node:net'
import path from 'node:path'
import { z } from 'zod'

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

export interface Config extends Omit<Read, 'publicUrl'> {
  /** Without a trailing slash. Empty until the port is known, if neither was set. */
  readonly publicUrl: string
  readonly isHttps: boolean
}

/** Thrown with every fault at once, so that a person mends them in one go. */
export class ConfigError extends Error {}

export function readConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const faults: string[] = []
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of Object.keys(settings) as SettingName[]) {
    const setting: Setting = settings[name]
    const text = env[setting.env] === '' ? undefined : env[setting.env]
    const given = text ?? setting.fallback
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
  if (faults.length > 0) throw new ConfigError(`The settings are not usable:\n  ${faults.join('\n  ')}`)
  return complete(values as unknown as Read)
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

function complete(read: Read): Config {
  const publicUrl = (read.publicUrl ?? (read.port === 0 ? '' : `http://localhost:${read.port}`)).replace(/\/+$/, '')
  return { ...read, dataFolder: path.resolve(read.dataFolder), publicUrl, isHttps: publicUrl.startsWith('https:') }
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

function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
