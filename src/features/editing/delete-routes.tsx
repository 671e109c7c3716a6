/** The pages in which a file, some files of a folder, or a whole folder are deleted. */
import { z } from 'zod'
import { repeatable } from '../../access/body.ts'
import { faultAnswer, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import { HoldfastError } from '../../domain/errors.ts'
import { revisionPath } from '../../web/address.ts'
import { isConfirmed } from '../../web/confirmation.tsx'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { counted } from '../../web/size.ts'
import { entryNotFound, findEntry, listEntries, listFolder } from '../files/service.ts'
import { repoViewOf } from '../repos/service.ts'
import { type Branch, branchAt, needBranch } from './branch-at.ts'
import { changeFields, commitChange, type EditGate, type Landed } from './change-form.ts'
import { editorOf, formOf, placeOf, refusalOf, repoOfPath } from './change-request.ts'
import { type Deleted, DeletePage } from './delete-page.tsx'
import { notOnBranch } from './not-on-branch.tsx'

/** Rows to choose from, and files that are counted below a folder. */
const mostChoices = 500
const mostCounted = 1_000

const deleteForm = z.object({
  ...changeFields,
  confirm: z.string().max(4_096).default(''),
  chosen: repeatable.pipe(z.array(z.string().max(4_096)).max(mostChoices)).default([]),
})
const deleteQuery = z.object({ choose: z.string().max(10).optional() })
type Query = z.output<typeof deleteQuery>

type Opening = Call<'repo.push', Query, unknown>
type Posting = Call<'repo.push', Query, z.output<typeof deleteForm>>

export const deleteRoutes = (gate: EditGate): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/delete/*',
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    query: deleteQuery,
    handle: async (call) => {
      const { hub, allowed, params } = call
      const { revision } = placeOf(params.tail)
      const branch = await branchAt(hub, allowed, revision)
      if (branch !== null)
        return await deleteReply(call, branch, { form: freshForm, barred: await refusalOf(gate, call) })
      return await notOnBranch(call, revision)
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/delete/*',
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    query: deleteQuery,
    body: deleteForm,
    handle: async (call) => {
      const { hub, allowed, params, body } = call
      const branch = await needBranch(hub, allowed, placeOf(params.tail).revision)
      return await orShow(
        async () => await deleted(call, gate, branch),
        async (fault) => {
          const isChanged = fault.code === 'changed_meanwhile'
          const form = isChanged ? formOf(body) : formOf(body, fault, fieldOf)
          return await deleteReply(call, branch, { form, chosen: body.chosen, isChanged, barred: null }, fault)
        },
      )
    },
  }),
]

const fieldOf = { invalid_ref_name: 'newBranch', reference_exists: 'newBranch' } as const

async function deleted(call: Posting, gate: EditGate, branch: Branch): Promise<Reply> {
  const { hub, allowed, facts, params, query, body } = call
  const { path } = placeOf(params.tail)
  const repo = repoViewOf(facts)
  const paths =
    query.choose === undefined ? [path] : body.chosen.map((name) => (path === '' ? name : `${path}/${name}`))
  if (paths.length === 0 || paths.includes('')) {
    throw new HoldfastError('invalid_input', { reason: 'Choose at least one file to delete.' })
  }
  const entries = branch.head === null ? [] : await listEntries(hub, allowed, branch.head, paths)
  const folder = entries.find(({ type }) => type === 'folder')
  if (folder !== undefined) {
    // Folders go by their own page, where their name is typed.
    if (query.choose !== undefined)
      throw new HoldfastError('invalid_input', { reason: `"${folder.path}" is a folder: delete it on its own page.` })
    if (!isConfirmed(body.confirm, path))
      throw new HoldfastError('invalid_input', { reason: `Type ${path} to delete the folder.`, field: 'confirm' })
  }
  const what = paths.length === 1 ? (paths[0] ?? '') : counted(paths.length, 'file')
  const operations = paths.map((each) => ({ kind: 'deletion' as const, path: each }))
  const landed = await commitChange(editorOf(call, gate), branch, body, `Delete ${what}`, operations)
  const said = `${what} ${paths.length === 1 ? 'is' : 'are'} deleted on ${landed.branch}: ${landed.commit.slice(0, 7)}.`
  const back = await nearestFolder(call, landed, path)
  return redirectWithNotice(revisionPath(repo, 'tree', landed.branch, back), 'success', said)
}

/** The folder around a path that is still there. */
async function nearestFolder({ hub, allowed }: Posting, { commit }: Landed, path: string): Promise<string> {
  let folder = path
  while (folder !== '' && (await findEntry(hub, allowed, commit, folder))?.type !== 'folder') {
    folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : ''
  }
  return folder
}

interface Shown {
  readonly form: FormState
  readonly barred: { readonly message: string; readonly next: string | null } | null
  readonly chosen?: readonly string[]
  readonly isChanged?: boolean
}

async function deleteReply(
  call: Opening | Posting,
  branch: Branch,
  { form, barred, chosen = [], isChanged = false }: Shown,
  fault?: HoldfastError,
): Promise<Reply> {
  const { hub, facts, params, request } = call
  const { path } = placeOf(params.tail)
  // Whoever was told that it changed looks at it as it is now.
  const seen = isChanged || fault === undefined ? null : (form.values.parentCommit ?? null)
  const now = (await branchAt(hub, call.allowed, branch.name))?.head ?? null
  const [context, what] = await Promise.all([pageContext(hub, facts, request), whatIsDeleted(call, now, chosen)])
  const page = (
    <DeletePage
      context={context}
      repo={repoViewOf(facts)}
      branch={branch.name}
      path={path}
      deleted={what}
      seen={seen ?? now ?? ''}
      form={form}
      isChanged={isChanged}
      barred={barred}
    />
  )
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}

/** Throws `entry_not_found`. */
async function whatIsDeleted(
  { hub, allowed, params, query }: Opening | Posting,
  head: string | null,
  chosen: readonly string[],
): Promise<Deleted> {
  const { path } = placeOf(params.tail)
  const entry = head === null ? null : await findEntry(hub, allowed, head, path)
  if (head === null || entry === null) throw entryNotFound(head ?? '')
  if (entry.type === 'file') return { kind: 'file', size: entry.size }
  if (path === '' || query.choose !== undefined) {
    const { entries, next } = await listFolder(hub, allowed, head, path, {
      recursive: false,
      after: null,
      limit: mostChoices,
    })
    const rows = entries.map(({ path: at, type, size }) => ({
      name: at.slice(at.lastIndexOf('/') + 1),
      isFolder: type === 'folder',
      size,
    }))
    return { kind: 'some', entries: rows, chosen, isCut: next !== null }
  }
  const below = await listFolder(hub, allowed, head, path, { recursive: true, after: null, limit: mostCounted })
  const files = below.entries.filter(({ type }) => type === 'file').length
  return { kind: 'folder', files: below.next === null ? files : null }
}
