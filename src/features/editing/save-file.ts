/** One text file made, changed or renamed. */
import { HoldfastError } from '../../domain/errors.ts'
import { parseRepoPath } from '../../domain/names.ts'
import { entryAt } from '../../platform/git/tree.ts'
import type { CommitOperation } from '../commits/service.ts'
import type { Reading } from '../files/service.ts'
import type { Branch } from './branch-at.ts'
import { type ChangeForm, commitChange, type Editor, type Landed } from './change-form.ts'
import { withLineEnds } from './line-ends.ts'
import { type Editable, editLimit, readEditable } from './read-editable.ts'

export interface FileForm extends ChangeForm {
  readonly path: string
  readonly content: string
}

export interface Draft {
  /** The file that the form was made from, as its author saw it; null for a new one. */
  readonly before: Editable | null
  /** Where it goes. */
  readonly path: string
  /** What it will hold; null where only the name changes. */
  readonly text: string | null
}

/** What the form means. `original`: the path of the file that is edited, null for a new one. Throws `changed_meanwhile` where it never was. */
export async function readDraft(
  { hub }: Pick<Editor, 'hub'>,
  reading: Reading,
  original: string | null,
  form: FileForm,
): Promise<Draft> {
  const seen = form.parentCommit === '' ? null : form.parentCommit
  const before = original === null ? null : await readEditable(hub, reading, seen, original)
  const path = form.path === original ? original : form.path.trim()
  if (before?.kind === 'closed') return { before, path, text: null }
  return { before, path, text: withLineEnds(form.content, before?.text ?? null) }
}

/** Throws what is wrong with the path or the text (`unsafe_path`, `invalid_input` with its field), and what `commitChange` throws. */
export async function saveFile(
  editor: Editor,
  branch: Branch,
  original: string | null,
  form: FileForm,
  draft: Draft,
): Promise<Landed> {
  const { before, text } = draft
  const path = parseRepoPath(draft.path)
  const isSame = before !== null && before.entry.path === path
  if (text !== null) checkText(text)
  if (isSame && (text === null || (before.kind === 'text' && before.text === text))) {
    throw new HoldfastError('invalid_input', { reason: 'Nothing is changed, so there is nothing to commit.' })
  }
  if (path !== original) await refuseTaken(editor, branch, path)
  return await commitChange(editor, branch, form, summaryOf(before, path, text), operationsOf(before, path, text))
}

export function summaryOf(before: Editable | null, path: string, text: string | null): string {
  if (before === null) return `Create ${path}`
  if (before.entry.path === path) return `Update ${path}`
  const isRename = text === null || (before.kind === 'text' && before.text === text)
  return `${isRename ? 'Rename' : 'Update and rename'} ${before.entry.path} to ${path}`
}

function operationsOf(before: Editable | null, path: string, text: string | null): CommitOperation[] {
  const from = before?.entry.path ?? path
  const isUnchanged = text === null || (before?.kind === 'text' && before.text === text)
  if (from !== path && isUnchanged) return [{ kind: 'rename', from, path }]
  const bytes = Buffer.from(text ?? '')
  const content = { size: bytes.length, bytes, file: null }
  const mode = before?.entry.mode ?? '100644'
  const put: CommitOperation = { kind: 'file', path, content, mode }
  // First the removal: `a` may become `a/b`.
  return from === path ? [put] : [{ kind: 'deletion', path: from }, put]
}

function checkText(text: string): void {
  const size = Buffer.byteLength(text)
  const fault =
    size > editLimit
      ? `A text of more than ${editLimit / 1_000} kB cannot be saved from here; this one has ${Math.ceil(size / 1_000)} kB. Upload it as a file.`
      : text.includes('\0')
        ? 'The text has a NUL character, which no text file has.'
        : null
  if (fault !== null) throw new HoldfastError('invalid_input', { reason: fault, field: 'content' })
}

async function refuseTaken({ hub, allowed }: Editor, { head }: Branch, path: string): Promise<void> {
  const there = head === null ? null : await entryAt(hub.git, allowed.resource.id, head, path)
  if (there === null) return
  const what = there.type === 'tree' ? 'folder' : 'file'
  throw new HoldfastError('invalid_input', { reason: `There is a ${what} at this path already.`, field: 'path' })
}
