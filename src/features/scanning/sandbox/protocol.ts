/** What the hub and its sandbox say to each other. One scan at a time; the sandbox asks for the bytes that it wants. */
import { z } from 'zod'
import { foundLevels } from '../levels.ts'
import type { ScannerName } from '../scanner.ts'

export const sandboxed = ['pickle', 'yara', 'structure', 'secrets'] as const satisfies readonly ScannerName[]
export type Sandboxed = (typeof sandboxed)[number]

/** Bytes of one answer at most. */
export const askedBytes = 1 << 20

/** The file descriptor at which the sandbox reads them. Messages have a channel of their own. */
export const bytesDescriptor = 4

export type ToSandbox =
  | { readonly kind: 'scan'; readonly id: number; readonly scanner: Sandboxed; readonly size: number }
  /** So many bytes are in the pipe: fewer than asked for only where the source ends. */
  | { readonly kind: 'bytes'; readonly id: number; readonly length: number }
  | { readonly kind: 'unreadable'; readonly id: number; readonly message: string }

const words = z.string().max(2_000)
const place = z.number().int().min(0)
const report = z.strictObject({
  level: z.enum(foundLevels),
  message: words.nullable(),
  imports: z.exactOptional(
    z
      .array(z.strictObject({ module: words, name: words, safety: z.enum(['innocuous', 'suspicious', 'dangerous']) }))
      .max(1_000)
      .readonly(),
  ),
  importSet: z.exactOptional(
    z
      .strictObject({
        imports: z
          .array(z.tuple([words, words]).readonly())
          .max(40_000)
          .readonly(),
        barred: z.enum(['dangerous', 'partly', 'many']).nullable(),
      })
      .nullable(),
  ),
  secrets: z.exactOptional(
    z
      .array(z.strictObject({ kind: words, line: place, masked: words }))
      .max(1_000)
      .readonly(),
  ),
  tokenPlaces: z.exactOptional(z.array(place).max(10_000).readonly()),
})

/** A process that a file has taken over may say anything: what does not look like this is not listened to. */
export const fromSandbox = z.discriminatedUnion('kind', [
  /** Null: this scanner cannot work here, for the reason. */
  z.strictObject({ kind: z.literal('ready'), yara: words.nullable(), reason: words.nullable() }),
  z.strictObject({ kind: z.literal('read'), id: place, from: place, length: place }),
  z.strictObject({ kind: z.literal('done'), id: place, report }),
  z.strictObject({ kind: z.literal('failed'), id: place, message: words }),
])
export type FromSandbox = z.infer<typeof fromSandbox>
