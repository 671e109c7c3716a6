/**
 * The instance's secret keys: one versioned ring in `keys.json` (mode 0600) or in the environment, never in the database.
 * The newest key makes, every key checks, so that keys can be rotated. Losing the token key invalidates every token.
 */
import { hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
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

type Purpose = 'token-hash' | 'token-checksum' | 'signed-address' | 'cursor' | 'form' | 'xet-token' | 'xet-dedup'
type SigningPurpose = 'audit-checkpoint'

export interface KeyRing {
  /** HMAC-SHA-256 of `text` under the newest key for the purpose. */
  mac(purpose: Purpose, text: string): Buffer
  /** HMACs under every key, newest first: for checking what an older key made. */
  macs(purpose: Purpose, text: string): Buffer[]
  /** Constant-time comparison of `given` with the HMAC of `text` under any key. */
  verify(purpose: Purpose, text: string, given: Buffer): boolean
  /** Key pairs, newest first: whoever has only their public halves can check what was signed. */
  signingKeys(purpose: SigningPurpose): readonly [SigningKey, ...SigningKey[]]
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
  return ringOf(ring.keys.toSorted((a, b) => b.id - a.id).map((key) => Buffer.from(key.secret, 'hex')))
}

function ringOf(secrets: readonly Buffer[]): KeyRing {
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
  }
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
