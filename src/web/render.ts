/* Turns a page into text. Rendering is synchronous from first to last byte, so the few facts that parts share (which
   icons were drawn, what "now" is) live in one variable for its duration and two requests can never mix them. */
import type { HtmlEscapedString } from 'hono/utils/html'
import type { IconName } from './icon-names.ts'

/** What a component returns. */
export type PageNode = HtmlEscapedString | Promise<HtmlEscapedString>

type Rendering = { icons: Set<IconName>; now: number }

let current: Rendering | null = null

/**
 * The whole document with its doctype. Components must be synchronous: load data before, then render.
 * `now` (milliseconds) is what relative times are counted from; the clock's time when it is left out.
 */
export function renderPage(page: PageNode, options: { now?: number } = {}): string {
  return `<!doctype html>${renderPart(page, options)}`
}

/** A piece of a page without a doctype, for scripts that replace a part of what is already shown. */
export function renderPart(part: PageNode, options: { now?: number } = {}): string {
  const outer = current
  current = { icons: new Set(), now: options.now ?? Date.now() }
  try {
    const html: unknown = part.toString()
    if (typeof html !== 'string')
      throw new TypeError('A page component is asynchronous; load its data before rendering')
    return html
  } finally {
    current = outer
  }
}

export function noteIcon(name: IconName): void {
  current?.icons.add(name)
}

/** The icons drawn so far in this rendering; the layout asks last. */
export function drawnIcons(): readonly IconName[] {
  return current ? [...current.icons].sort() : []
}

export function renderingTime(): number {
  return current?.now ?? Date.now()
}
