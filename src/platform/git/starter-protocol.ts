/** What the hub and its starter say to each other. The streams of a process go over a local socket, one connection each. */
import type { ProcessOrder, ProcessSignal } from './process-start.ts'

export type ToStarter =
  | { readonly kind: 'start'; readonly id: number; readonly order: ProcessOrder }
  | { readonly kind: 'signal'; readonly id: number; readonly signal: ProcessSignal }

export type FromStarter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'ended'; readonly id: number; readonly code: number | null; readonly killedBy: string | null }

/** The first line on a connection: which process, and which of its descriptors. */
export function connectionHead(id: number, descriptor: number): string {
  return `${id} ${descriptor}\n`
}

/** Null for what is none. */
export function parseConnectionHead(line: string): { id: number; descriptor: number } | null {
  const match = /^(\d{1,15}) (\d{1,3})$/.exec(line)
  return match === null ? null : { id: Number(match[1]), descriptor: Number(match[2]) }
}
