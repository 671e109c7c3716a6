/* The page in which files are uploaded. Without JavaScript a form that sends them all; with it a list with a bar for each, by the protocol
   that every client uploads with. */
import { repoId, repoPath, revisionPath } from '../../web/address.ts'
import { assetUrl } from '../../web/assets.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { FieldError, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { sizeWords } from '../../web/size.ts'
import { ChangeHead, CommitFields, NoChange } from './change-parts.tsx'

type UploadPageProps = {
  context: PageContext
  repo: RepoView
  branch: string
  folder: string
  seen: string
  form: FormState
  /** Bytes that one file may have without a script. */
  fileLimit: number
  fileCount: number
  barred: { message: string; next: string | null } | null
}

export function UploadPage(props: UploadPageProps) {
  const { context, repo, branch } = props
  return (
    <Page
      context={context}
      title={`Upload files: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={branch} />}
      scripts={['upload.js']}
    >
      <ChangeHead repo={repo} branch={branch} path={props.folder}>
        Upload files
      </ChangeHead>
      {props.barred === null ? <UploadForm {...props} /> : <NoChange repo={repo} why={props.barred} />}
    </Page>
  )
}

function UploadForm(props: UploadPageProps) {
  const { repo, branch, form } = props
  const error = form.errors.files
  return (
    <form
      class="grid grid-cols-[minmax(0,1fr)] gap-4"
      method="post"
      enctype="multipart/form-data"
      action={revisionPath(repo, 'upload', branch, props.folder)}
      data-guarded=""
      data-upload={`${repo.kind}s/${encodeURIComponent(repo.namespace)}/${encodeURIComponent(repo.name)}`}
      data-repo={repoPath(repo)}
      data-branch={branch}
      data-hash-worker={assetUrl('hash-worker.js')}
    >
      <FormProblem form={form} />
      <TextField
        form={form}
        name="folder"
        label="Folder"
        help="Where the files go to; empty for the top. Files of the same name are replaced."
        value={props.folder}
        optional={true}
        maxlength={1_000}
        verbatim={true}
        class="max-w-3xl"
      />
      <CommitFields
        form={form}
        branch={branch}
        summary="Upload files"
        seen={props.seen}
        isFirst={props.seen === ''}
        last={
          <div class="field" data-upload-place="">
            <label for="field-files">Files</label>
            <input
              class={fileInput}
              id="field-files"
              type="file"
              name="files"
              multiple={true}
              aria-describedby={error ? 'field-files-error field-files-help' : 'field-files-help'}
              aria-invalid={error ? 'true' : undefined}
            />
            {error && <FieldError id="field-files-error">{error}</FieldError>}
            <span class="help" id="field-files-help">
              Up to {props.fileCount.toLocaleString('en-GB')} files of {sizeWords(props.fileLimit)} each; larger ones go
              with <code>hf upload</code> or git. Large and binary files are stored beside git by themselves.
            </span>
          </div>
        }
      >
        <Button look="primary" icon="upload">
          Upload files
        </Button>
        <LinkButton href={revisionPath(repo, 'tree', branch, props.folder)}>Cancel</LinkButton>
      </CommitFields>
      <Templates />
    </form>
  )
}

/** What the script draws with, so that words, looks and icons are written once. */
function Templates() {
  return (
    <>
      <template id="upload-drop">
        <section
          class="panel p-4 grid gap-3 border-dashed! border-line-strong! data-over:border-primary! data-over:bg-base-300"
          aria-labelledby="drop-h"
          data-drop=""
        >
          <h2 id="drop-h" class="text-base flex items-center gap-2">
            <Icon name="upload" />
            Drop files or folders here
          </h2>
          <div class="flex flex-wrap gap-x-8 gap-y-3">
            <div class="field" data-files-here="" />
            <div class="field">
              <label for="field-folder-files">Or a whole folder</label>
              <input
                class={fileInput}
                id="field-folder-files"
                type="file"
                multiple={true}
                webkitdirectory=""
                data-folder=""
              />
            </div>
          </div>
          <div class="notice notice-error text-sm" role="alert" data-problem="" hidden={true}>
            <Icon name="octagon-alert" />
            <div data-problem-words="" />
          </div>
          <ul
            class="[&>li+li]:border-t [&>li]:border-line text-sm"
            aria-label="Files to upload"
            data-list=""
            hidden={true}
          />
          <p class="text-sm text-muted num" role="status" data-total="" />
        </section>
      </template>
      <template id="upload-row">
        <li class="py-2.5 grid gap-1">
          <span class="flex items-center gap-3">
            <Icon name="file" />
            <span class="min-w-0 flex flex-wrap items-baseline gap-x-3">
              <code class="min-w-0 [overflow-wrap:anywhere]" data-path="" />
              <span class="text-muted num" data-size="" />
            </span>
            <button class="icon-btn ml-auto" type="button" data-remove="">
              <Icon name="x" />
            </button>
          </span>
          <progress class="progress progress-primary w-full" value="0" max="1" />
          <span class="text-xs text-muted data-[state=refused]:text-error data-[state=ok]:text-success" data-words="" />
        </li>
      </template>
      <template id="upload-stop">
        <button class="btn btn-line btn-sm" type="button" data-stop="">
          <Icon name="circle-x" />
          Stop
        </button>
      </template>
    </>
  )
}

const fileInput =
  'block w-full text-sm cursor-pointer file:me-3 file:px-3 file:py-1.5 file:rounded-field file:border file:border-line-strong file:bg-base-100 file:text-base-content file:font-medium file:cursor-pointer'
