/** What the hub and its sandbox say to each other. One scan at a time; the sandbox asks for the bytes that it wants. */
import type { ScannerName, ScanReport } from '../scanner.ts'

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

export type FromSandbox =
  /** Null: this scanner cannot work here, for the reason. */
  | { readonly kind: 'ready'; readonly yara: string | null; readonly reason: string | null }
  | { readonly kind: 'read'; readonly id: number; readonly from: number; readonly length: number }
  | { readonly kind: 'done'; readonly id: number; readonly report: ScanReport }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
