/**
 * The instance's secret keys: one versioned ring in `keys.json` (mode 0600) or in the environment, never in the database.
 * The newest key makes, every key checks, so that keys can be rotated. Losing the token key invalidates every token.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { link, open, readFile, unlink } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { type HmacKey, hmac, hmacKey } from './hmac.ts'
import { type SigningKey, signingKey } from './signing-key.ts'

const ringSchema = z.object({
  version: z.literal(1),
  keys: z
    .array(z.object({ id: z.number().int().min(1), secret: z.string().regex(/^[0-9a-f]{64}$/), createdAt: z.string() }))
    .min(1),
})

type Purpose =
  | 'token-hash'
  | 'token-checksum'
  | 'token-digest'
  | 'signed-address'
  | 'cursor'
  | 'form'
  | 'xet-token'
  | 'xet-dedup'
  | 'challenge'
  | 'company-sign-in'
  | 'device-code'
  | 'mail-switch'
type SigningPurpose = 'audit-checkpoint' | 'commit-signature' | 'attestation'
type SealingPurpose = 'totp-secret' | 'oauth-signing-key' | 'webhook-secret' | 'backend-secret'

export interface KeyRing {
  /** HMAC-SHA-256 of `text` under the newest key for the purpose. */
  mac(purpose: Purpose, text: string): Buffer
  /** HMACs under every key, newest first: for checking what an older key made. */
  macs(purpose: Purpose, text: string): Buffer[]
  /** Constant-time comparison of `given` with the HMAC of `text` under any key. */
  verify(purpose: Purpose, text: string, given: Buffer): boolean
  /** Key pairs, newest first: whoever has only their public halves can check what was signed. */
  signingKeys(purpose: SigningPurpose): readonly [SigningKey, ...SigningKey[]]
  /**
   * AES-256-GCM under the newest key, whose id stands in front: `v1.1.IV.TEXT`, base64url. `context` says what it belongs to (the id of a
   * row): moved elsewhere it does not open.
   */
  encrypt(purpose: SealingPurpose, text: string, context: string): string
  /** Throws where the text was changed, is of another context, or was made with a key that the ring does not have. */
  decrypt(purpose: SealingPurpose, sealed: string, context: string): string
}

/** Reads the ring from `inline` JSON or from the data folder, where it is made on the first start. */
export async function openKeyRing(options: { folder: string; inline: string | null }): Promise<KeyRing> {
  const text = options.inline ?? (await readOrMake(path.join(options.folder, 'keys.json')))
  let ring: z.infer<typeof ringSchema>
  try {
    ring = ringSchema.parse(JSON.parse(text))
  } catch {
    // The parse error could quote a secret: it stays out of the message on purpose.
    throw new Error('The key ring is not readable: keys.json (or HOLDFAST_KEYS) is not the JSON that Holdfast writes.')
  }
  const keys = ring.keys.toSorted((a, b) => b.id - a.id)
  return ringOf(keys.map((key) => ({ id: key.id, secret: Buffer.from(key.secret, 'hex') })))
}

interface RingKey {
  readonly id: number
  readonly secret: Buffer
}

/** `keys`: newest first. */
function ringOf(keys: readonly RingKey[]): KeyRing {
  const secrets = keys.map((key) => key.secret)
  const derived = new Map<Purpose, HmacKey[]>()
  const keysFor = (purpose: Purpose): HmacKey[] => {
    let keys = derived.get(purpose)
    if (keys === undefined) {
      keys = secrets.map((secret) => hmacKey(Buffer.from(hkdfSync('sha256', secret, 'holdfast', purpose, 32))))
      derived.set(purpose, keys)
    }
    return keys
  }
  const macs = (purpose: Purpose, text: string): Buffer[] => keysFor(purpose).map((key) => hmac(key, text))
  const derivedPairs = new Map<SigningPurpose, readonly [SigningKey, ...SigningKey[]]>()
  return {
    macs,
    signingKeys: (purpose) => {
      const known = derivedPairs.get(purpose)
      if (known !== undefined) return known
      const [newest, ...older] = secrets.map((secret) =>
        signingKey(Buffer.from(hkdfSync('sha256', secret, 'holdfast', purpose, 32))),
      )
      if (newest === undefined) throw new Error('The key ring is empty.')
      derivedPairs.set(purpose, [newest, ...older])
      return [newest, ...older]
    },
    mac: (purpose, text) => {
      const [key] = keysFor(purpose)
      if (key === undefined) throw new Error('The key ring is empty.')
      return hmac(key, text)
    },
    verify: (purpose, text, given) =>
      macs(purpose, text).some((mac) => mac.length === given.length && timingSafeEqual(mac, given)),
    encrypt: (purpose, text, context) => {
      const [key] = keys
      if (key === undefined) throw new Error('The key ring is empty.')
      return seal(key, purpose, text, context)
    },
    decrypt: (purpose, sealed, context) => unseal(keys, purpose, sealed, context),
  }
}

const ivBytes = 12
const tagBytes = 16

function seal(key: RingKey, purpose: SealingPurpose, text: string, context: string): string {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(key, purpose), iv).setAAD(Buffer.from(context, 'utf8'))
  const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `v1.${key.id}.${iv.toString('base64url')}.${bytes.toString('base64url')}`
}

function unseal(keys: readonly RingKey[], purpose: SealingPurpose, sealed: string, context: string): string {
  const [version, id, iv = '', text = ''] = sealed.split('.')
  const key = keys.find((one) => String(one.id) === id)
  if (version !== 'v1' || key === undefined)
    throw new Error('What is encrypted here needs a key that the ring does not have.')
  const bytes = Buffer.from(text, 'base64url')
  const end = bytes.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(key, purpose), Buffer.from(iv, 'base64url'), {
    authTagLength: tagBytes,
  })
    .setAAD(Buffer.from(context, 'utf8'))
    .setAuthTag(bytes.subarray(end))
  return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]).toString('utf8')
}

function sealingKey(key: RingKey, purpose: SealingPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', key.secret, 'holdfast', `seal ${purpose}`, 32))
}

async function readOrMake(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const ring = {
    version: 1,
    keys: [{ id: 1, secret: randomBytes(32).toString('hex'), createdAt: new Date().toISOString() }],
  }
  const text = `${JSON.stringify(ring, null, 2)}\n`
  const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const handle = await open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
  await handle.writeFile(text)
  await handle.sync()
  await handle.close()
  try {
    // A link is only made where nothing is: of two processes that start at once, one ring wins and both use it.
    await link(temporary, file)
    await syncFolder(path.dirname(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(temporary)
  }
  return await readFile(file, 'utf8')
}

/** Without this a power cut may forget the ring that tokens were already made with. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
