/* A change, file by file: one table, signs written, changed words marked, "added" and "removed" said to those who
   cannot see the colour. What is binary or large shows its sizes and a download. The caller keeps a page within
   `diffViewLimit` lines and says `isCut` where it stopped. */

import { changedMiddle } from './changed-words.ts'
import { Icon } from './icon.tsx'
import { sizeWords } from './size.ts'

/** Lines on one page, over all files: what renders in a few milliseconds. */
export const diffViewLimit = 1000

export type DiffLine = {
  kind: 'same' | 'added' | 'removed'
  oldNumber: number | null
  newNumber: number | null
  text: string
}

export type DiffHunk = {
  /** `@@ -12,4 +12,5 @@` */
  header: string
  lines: readonly DiffLine[]
}

export type DiffFile = {
  path: string
  /** Where it was before a rename. */
  oldPath: string | null
  change: 'added' | 'removed' | 'changed' | 'renamed'
  linesAdded: number
  linesRemoved: number
  /** The file at the new commit (or at the old one, for a removal). */
  href: string | null
  body:
    | { kind: 'text'; hunks: readonly DiffHunk[]; isCut: boolean }
    | {
        kind: 'sizes'
        why: 'binary' | 'large'
        oldSize: number | null
        newSize: number | null
        download: string | null
      }
}

/** `label`: where one page compares the same file twice. */
export function DiffView({ file, label }: { file: DiffFile; label?: string }) {
  return (
    <section class="panel" aria-label={label ?? `Changes in ${file.path}`}>
      <div class="panel-head text-sm">
        <Icon name="file" />
        <code class="min-w-0 [overflow-wrap:anywhere]">
          {file.oldPath && `${file.oldPath} → `}
          {file.href ? (
            <a class="quiet" href={file.href}>
              {file.path}
            </a>
          ) : (
            file.path
          )}
        </code>
        {file.change !== 'changed' && <span class="text-muted">{file.change}</span>}
        {file.body.kind === 'text' && file.linesAdded + file.linesRemoved > 0 && (
          <span class="ml-auto flex gap-2 num">
            <span class="text-success">+{file.linesAdded}</span>
            <span class="text-error">−{file.linesRemoved}</span>
          </span>
        )}
      </div>
      {file.body.kind === 'text' ? <TextDiff path={file.path} body={file.body} /> : <SizesOnly body={file.body} />}
    </section>
  )
}

function TextDiff(props: { path: string; body: Extract<DiffFile['body'], { kind: 'text' }> }) {
  return (
    <>
      {props.body.hunks.length > 0 && (
        <div class="scroll-x">
          <table class="diff">
            <caption class="sr-only">Changes in {props.path}</caption>
            <tbody>
              {props.body.hunks.map((hunk) => (
                <Hunk hunk={hunk} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {props.body.isCut && <p class="px-4 py-2.5 text-sm text-muted">The rest of this file's changes is not shown.</p>}
    </>
  )
}

function Hunk({ hunk }: { hunk: DiffHunk }) {
  const others = counterparts(hunk.lines)
  return (
    <>
      <tr class="hunk">
        <td class="ln" />
        <td class="ln" />
        <td>{hunk.header}</td>
      </tr>
      {hunk.lines.map((line, index) => (
        <Line line={line} other={others[index] ?? null} />
      ))}
    </>
  )
}

const signs = { same: ' ', added: '+', removed: '-' } as const

function Line({ line, other }: { line: DiffLine; other: DiffLine | null }) {
  const parts = other ? changedMiddle(line.text, other.text) : null
  const Word = line.kind === 'added' ? 'ins' : 'del'
  return (
    <tr class={line.kind === 'added' ? 'add' : line.kind === 'removed' ? 'del' : undefined}>
      <td class="ln">{line.oldNumber}</td>
      <td class="ln">{line.newNumber}</td>
      <td>
        {line.kind !== 'same' && <span class="sr-only">{line.kind}: </span>}
        {signs[line.kind]}{' '}
        {parts ? (
          <>
            {parts.before}
            {parts.changed && <Word>{parts.changed}</Word>}
            {parts.after}
          </>
        ) : (
          line.text
        )}
      </td>
    </tr>
  )
}

/** For each line the one on the other side that it is compared with: the n-th of a run of removals with the n-th of the
    run of additions that follows it. */
function counterparts(lines: readonly DiffLine[]): (DiffLine | null)[] {
  const found: (DiffLine | null)[] = lines.map(() => null)
  let at = 0
  while (at < lines.length) {
    const removals = at
    while (lines[at]?.kind === 'removed') at += 1
    const additions = at
    while (lines[at]?.kind === 'added') at += 1
    const pairs = Math.min(additions - removals, at - additions)
    for (let pair = 0; pair < pairs; pair += 1) {
      found[removals + pair] = lines[additions + pair] ?? null
      found[additions + pair] = lines[removals + pair] ?? null
    }
    if (at === removals) at += 1
  }
  return found
}

function SizesOnly({ body }: { body: Extract<DiffFile['body'], { kind: 'sizes' }> }) {
  const before = body.oldSize === null ? null : sizeWords(body.oldSize)
  const after = body.newSize === null ? null : sizeWords(body.newSize)
  return (
    <p class="px-4 py-3 text-sm flex flex-wrap gap-x-4 gap-y-1">
      <span class="text-muted">{body.why === 'binary' ? 'Not text.' : 'Too large to show line by line.'}</span>
      <span class="num">{before && after ? `${before} before, ${after} after` : (after ?? before)}</span>
      {body.download && (
        <a class="a" href={body.download}>
          Download
        </a>
      )}
    </p>
  )
}
