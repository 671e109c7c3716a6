/** The page in which files are uploaded, and the form that sends them where no script runs. */
import { streamBody } from '../../access/body.ts'
import { faultAnswer, orShow } from '../../access/form-fault.ts'
import { pageContext, pageReply, redirectWithNotice } from '../../access/page-reply.tsx'
import type { Reply } from '../../access/reply.ts'
import { type Call, type Route, route } from '../../access/route.ts'
import type { HoldfastError } from '../../domain/errors.ts'
import { revisionPath } from '../../web/address.ts'
import { type FormState, freshForm } from '../../web/form-state.ts'
import { counted } from '../../web/size.ts'
import { repoViewOf } from '../repos/service.ts'
import { type Branch, branchAt, needBranch } from './branch-at.ts'
import { commitChange, type EditGate, prepareChange } from './change-form.ts'
import { editorOf, formOf, placeOf, refusalOf, repoOfPath } from './change-request.ts'
import { boundaryOf } from './multipart.ts'
import { notOnBranch } from './not-on-branch.tsx'
import { mostFiles, readUpload, type Upload, uploadedFiles } from './read-upload.ts'
import { UploadPage } from './upload-page.tsx'

type Uploading = Call<'repo.push', unknown, unknown>

export const uploadRoutes = (gate: EditGate): Route[] => [
  route({
    method: 'GET',
    path: '/{prefix}:namespace/:name/upload/*',
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    handle: async (call) => {
      const { hub, allowed, params } = call
      const { revision, path } = placeOf(params.tail)
      const branch = await branchAt(hub, allowed, revision)
      if (branch !== null) {
        const barred = await refusalOf(gate, call)
        return await uploadReply(call, { branch, folder: path, seen: branch.head ?? '', form: freshForm, barred })
      }
      return await notOnBranch(call, revision)
    },
  }),
  route({
    method: 'POST',
    path: '/{prefix}:namespace/:name/upload/*',
    surface: 'page',
    action: 'repo.push',
    target: repoOfPath,
    handle: async (call) => {
      const { hub, allowed, params, request } = call
      const { revision, path: folder } = placeOf(params.tail)
      const boundary = boundaryOf(request.header('content-type'))
      const branch = await needBranch(hub, allowed, revision)
      const upload = await readUpload(hub, streamBody(request), boundary)
      const { form } = upload
      try {
        return await orShow(
          () => take(call, gate, branch, upload),
          async (fault) => {
            // Whoever is told that a file changed looks at it before choosing again.
            const isStale = fault.code === 'changed_meanwhile'
            const seen = isStale ? ((await needBranch(hub, allowed, revision)).head ?? '') : form.parentCommit
            const shown = formOf(form, fault, fieldOf)
            return await uploadReply(call, { branch, folder, seen, form: shown, barred: null }, fault)
          },
        )
      } finally {
        await upload.close()
      }
    },
  }),
]

const fieldOf = {
  unsafe_path: 'files',
  secrets_in_push: 'files',
  token_leaked: 'files',
  invalid_metadata: 'files',
  field_too_large: 'files',
  changed_meanwhile: 'files',
  invalid_ref_name: 'newBranch',
  reference_exists: 'newBranch',
} as const

async function take(call: Uploading, gate: EditGate, branch: Branch, { form, files }: Upload): Promise<Reply> {
  const { hub, allowed, facts } = call
  const editor = editorOf(call, gate)
  // What can be refused is refused before the files are taken in.
  const prepared = await prepareChange(editor, branch, form)
  const reading = await call.authorizeAlso('repo.read', { on: 'repo-id', id: allowed.resource.id })
  let count = 0
  async function* counting() {
    for await (const operation of uploadedFiles(hub, files, { allowed, reading, branch, folder: form.folder })) {
      count++
      yield operation
    }
  }
  const landed = await commitChange(editor, branch, form, 'Upload files', counting(), prepared)
  const folder = form.folder.trim().replace(/^\/+|\/+$/g, '')
  const said = landed.isUnchanged
    ? 'Nothing changed: the files are there already, as you sent them.'
    : `${counted(count, 'file')} uploaded to ${landed.branch}: ${landed.commit.slice(0, 7)}.`
  return redirectWithNotice(revisionPath(repoViewOf(facts), 'tree', landed.branch, folder), 'success', said)
}

interface Shown {
  readonly branch: Branch
  readonly folder: string
  readonly seen: string
  readonly form: FormState
  readonly barred: { readonly message: string; readonly next: string | null } | null
}

async function uploadReply(call: Uploading, shown: Shown, fault?: HoldfastError): Promise<Reply> {
  const { hub, facts, request } = call
  const context = await pageContext(hub, facts, request)
  const { maxInlineFile } = hub.config
  const page = (
    <UploadPage
      context={context}
      repo={repoViewOf(facts)}
      {...shown}
      branch={shown.branch.name}
      fileLimit={maxInlineFile}
      fileCount={mostFiles}
    />
  )
  return pageReply(context, page, fault === undefined ? {} : faultAnswer(fault))
}
