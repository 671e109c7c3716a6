/** The pages in which a text file is made, changed and renamed. Whoever may not write is refused before anything is read (REP-2). */
import { z } from 'zod'
import { faultAnswer, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import { type Reply, redirect } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import type { Allowed } from '../../domain/policy.ts'
import type { Hub } from '../../hub.ts'
import { type RepoAddress, revisionPath } from '../../web/address.ts'
import { diffViewLimit } from '../../web/diff-view.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import type { SafeHtml } from '../../web/raw-html.tsx'
import { noteDownload } from '../downloads/service.ts'
import { entryNotFound, findEntry } from '../files/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { type Branch, branchAt, needBranch } from './branch-at.ts'
import { changeFields, type EditGate } from './change-form.ts'
import { editorOf, formOf, placeOf, refusalOf, repoOfPath } from './change-request.ts'
import { EditPage, type Shown } from './edit-page.tsx'
import { textChange } from './line-diff.ts'
import { loadConflict } from './load-conflict.ts'
import { notOnBranch } from './not-on-branch.tsx'
import { closedWords, type Editable, readEditable } from './read-editable.ts'
import { type Draft, readDraft, saveFile, summaryOf } from './save-file.ts'

/** Markdown as a card would show it; null where it cannot be rendered just now. */
export type RenderDraft = (
  hub: Hub,
  repo: RepoAddress,
  revision: string,
  path: string,
  markdown: string,
) => Promise<SafeHtml | null>

/** A text of the largest size, each byte of it escaped as a form does. */
const bodyLimit = 4 << 20

const fileForm = z.object({
  ...changeFields,
  path: z.string().max(4_096).default(''),
  content: z.string().default(''),
  do: z.enum(['commit', 'changes', 'preview']).default('commit'),
})
type FileForm = z.output<typeof fileForm>

type Opening = Call<'repo.push', unknown, unknown>
type Posting = Call<'repo.push', unknown, FileForm>

export const editRoutes = (gate: EditGate, renderDraft: RenderDraft): Route[] => [
  ...(['edit', 'new'] as const).flatMap((view) => [
    route({
      method: 'GET',
      path: `/{prefix}:namespace/:name/${view}/*`,
      surface: 'page',
      action: 'repo.push',
      target: repoOfPath,
      file: ({ params }) => placeOf(params.tail).path,
      handle: (call) => (view === 'edit' ? openFile(call, gate) : openNew(call, gate)),
    }),
    route({
      method: 'POST',
      path: `/{prefix}:namespace/:name/${view}/*`,
      surface: 'page',
      action: 'repo.push',
      target: repoOfPath,
      file: ({ params }) => placeOf(params.tail).path,
      body: fileForm,
      bodyLimit,
      handle: (call) => take(call, gate, renderDraft, view === 'edit' ? placeOf(call.params.tail).path : null),
    }),
  ]),
]

async function openNew(call: Opening, gate: EditGate): Promise<Reply> {
  const { hub, allowed, params } = call
  const { revision, path: folder } = placeOf(params.tail)
  const branch = await branchAt(hub, allowed, revision)
  if (branch === null) return await notOnBranch(call, revision)
  return await editReply(call, branch, {
    original: null,
    path: folder === '' ? '' : `${folder}/`,
    text: '',
    closed: null,
    seen: branch.head ?? '',
    summary: 'Create a file',
    form: freshForm,
    shown: { kind: 'form' },
    barred: await refusalOf(gate, call),
  })
}

async function openFile(call: Opening, gate: EditGate): Promise<Reply> {
  const { hub, allowed, params, request } = call
  const { revision, path } = placeOf(params.tail)
  const branch = await branchAt(hub, allowed, revision)
  if (branch === null) return await notOnBranch(call, revision)
  const reading = await mayRead(call)
  const file = await readEditable(hub, reading, branch.head, path)
  if (file === null) {
    const entry = branch.head === null ? null : await findEntry(hub, reading, branch.head, path)
    if (entry?.type === 'folder') return redirect(revisionPath(repoViewOf(call.facts), 'tree', branch.name, path), 302)
    throw entryNotFound(branch.head ?? '')
  }
  if (request.method === 'GET') noteShown(call, reading, file, branch.head)
  return await editReply(call, branch, {
    original: path,
    path,
    text: file.kind === 'text' ? file.text : null,
    closed: file.kind === 'closed' ? closedWords[file.why] : null,
    seen: branch.head ?? '',
    summary: summaryOf(file, path, ''),
    form: freshForm,
    shown: { kind: 'form' },
    barred: await refusalOf(gate, call),
  })
}

async function take(call: Posting, gate: EditGate, renderDraft: RenderDraft, original: string | null): Promise<Reply> {
  const { hub, allowed, facts, body, params } = call
  const branch = await needBranch(hub, allowed, placeOf(params.tail).revision)
  const reading = await mayRead(call)
  const repo = repoViewOf(facts)
  const draft = await readDraft({ hub }, reading, original, body)
  const show = (form: FormState, shown: Shown, fault?: HoldfastError) =>
    editReply(call, branch, { ...draftShown(original, body, draft), form, shown, barred: null }, fault)
  if (body.do === 'changes') {
    const { before, text } = draft
    noteShown(call, reading, before, body.parentCommit)
    const old = before === null ? '' : before.kind === 'text' ? before.text : null
    const change = text === null || old === null ? null : textChange(old, text, diffViewLimit)
    return await show(formOf(body), { kind: 'changes', change })
  }
  if (body.do === 'preview') {
    const html = await renderDraft(hub, repo, branch.name, draft.path, draft.text ?? '')
    return await show(formOf(body), { kind: 'preview', html })
  }
  return await orShow(
    async () => {
      const landed = await saveFile(editorOf(call, gate), branch, original, body, draft)
      const said = `${draft.path} is committed to ${landed.branch}: ${landed.commit.slice(0, 7)}.`
      return redirectWithNotice(revisionPath(repo, 'blob', landed.branch, draft.path), 'success', said)
    },
    async (thrown) => {
      const fault = asConflict(thrown, original)
      if (fault.code !== 'changed_meanwhile') return await show(formOf(body, fault), { kind: 'form' }, fault)
      const path = String(fault.params.path)
      const { conflict, now, before } = await loadConflict(hub, reading, branch.name, path, draft, body.parentCommit)
      noteShown(call, reading, before, body.parentCommit)
      noteShown(call, reading, now, conflict.head)
      return await show(formOf(body), { kind: 'conflict', conflict }, fault)
    },
  )
}

/** A file that is to be renamed, and is gone, was changed by somebody too. */
function asConflict(fault: HoldfastError, original: string | null): HoldfastError {
  const isGone = fault.code === 'file_to_delete_not_found' || fault.code === 'entry_not_found'
  return isGone && original !== null ? new HoldfastError('changed_meanwhile', { path: original }) : fault
}

function draftShown(original: string | null, body: FileForm, draft: Draft) {
  const { before, path, text } = draft
  return {
    original,
    path: body.path,
    // As it was typed: line breaks are settled when it is committed.
    text: text === null ? null : body.content.replaceAll('\r\n', '\n'),
    closed: before?.kind === 'closed' ? closedWords[before.why] : null,
    seen: body.parentCommit,
    summary: summaryOf(before, path, text),
  }
}

type PageParts = Omit<Parameters<typeof EditPage>[0], 'context' | 'repo' | 'branch' | 'folder'>

async function editReply(
  call: Opening | Posting,
  branch: Branch,
  parts: PageParts,
  fault?: HoldfastError,
): Promise<Reply> {
  const { hub, facts, request, params } = call
  const context = await pageContext(hub, facts, request)
  const { path } = placeOf(params.tail)
  const page = <EditPage context={context} repo={repoViewOf(facts)} branch={branch.name} folder={path} {...parts} />
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

/** A text in a box or in a change is a file that was handed out, as on its own page. */
function noteShown(
  { hub, request }: Opening | Posting,
  reading: Allowed<'repo.content.read'>,
  file: Editable | null,
  commit: string | null,
): void {
  if (file === null || file.kind !== 'text' || commit === null || commit === '') return
  const { content, size, path } = file.entry
  noteDownload(hub, reading, request.origin, { content, path, commits: [commit], bytes: size, via: 'page' })
}

/** Whoever may write does not always stand behind the gate of a gated repo. */
async function mayRead(call: Opening | Posting): Promise<Allowed<'repo.content.read'>> {
  return await call.authorizeAlso('repo.content.read', { on: 'repo-id', id: call.allowed.resource.id })
}
