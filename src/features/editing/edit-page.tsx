/* The page in which a text file is made, changed or renamed. What was typed is never lost: every refusal shows it again. */
import { commitPath, repoId, revisionPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { FieldError, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RawHtml, type SafeHtml } from '../../web/raw-html.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Time } from '../../web/time.tsx'
import { ChangeHead, ChangeView, CommitFields, NoChange, NotOnBranch } from './change-parts.tsx'
import type { TextChange } from './line-diff.ts'

export type Conflict = {
  path: string
  /** The commit that has the newer state. */
  head: string
  /** Who changed the file last, where it is still there. */
  by: { id: string; title: string; name: string; at: number } | null
  isGone: boolean
  /** From what was seen to what is there now; null where one of them cannot be shown. */
  theirs: TextChange | null
  /** From what is there now to what was typed. */
  yours: TextChange | null
}

export type Shown =
  | { kind: 'form' }
  | { kind: 'changes'; change: TextChange | null }
  | { kind: 'preview'; html: SafeHtml | null }
  | { kind: 'conflict'; conflict: Conflict }

type EditPageProps = {
  context: PageContext
  repo: RepoView
  branch: string
  /** Null for a new file. */
  original: string | null
  /** Where a new file goes to, or where the file lies; empty at the top. */
  folder: string
  /** What the field of the path holds. */
  path: string
  /** Null where the file has no text that could be edited. */
  text: string | null
  /** Why it has none. */
  closed: string | null
  /** Hex, or empty where the repo has no commit. */
  seen: string
  /** What the commit says where nothing is typed. */
  summary: string
  form: FormState
  shown: Shown
  /** Why no page can make a commit here at all. */
  barred: { message: string; next: string | null } | null
}

export function EditPage(props: EditPageProps) {
  const { context, repo, branch, original } = props
  const title = original === null ? 'New file' : `Edit ${original}`
  return (
    <Page
      context={context}
      title={`${title}: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={branch} />}
      scripts={['editor.js']}
    >
      <ChangeHead repo={repo} branch={branch} path={original ?? props.folder}>
        {original === null ? 'New file' : `Edit ${original.slice(original.lastIndexOf('/') + 1)}`}
      </ChangeHead>
      {props.barred === null ? <EditForm {...props} /> : <NoChange repo={repo} why={props.barred} />}
    </Page>
  )
}

function EditForm(props: EditPageProps) {
  const { repo, branch, original, shown, form } = props
  const action =
    original === null ? revisionPath(repo, 'new', branch, props.folder) : revisionPath(repo, 'edit', branch, original)
  const back =
    original === null ? revisionPath(repo, 'tree', branch, props.folder) : revisionPath(repo, 'blob', branch, original)
  const isMarkdown = /\.(?:md|markdown)$/i.test(props.path)
  return (
    <>
      {shown.kind === 'conflict' && <ConflictView {...props} conflict={shown.conflict} />}
      <form
        class="grid grid-cols-[minmax(0,1fr)] gap-4"
        method="post"
        action={action}
        data-guarded={shown.kind === 'form' ? '' : 'dirty'}
      >
        <FormProblem form={form} />
        <TextField
          form={form}
          name="path"
          label={original === null ? 'Path' : 'Path (change it to rename the file)'}
          help="Slashes make folders: “docs/usage.md”."
          value={props.path}
          required={true}
          maxlength={2_000}
          verbatim={true}
          autofocus={original === null && shown.kind === 'form'}
          class="max-w-3xl"
        />
        {props.text === null ? (
          <Notice kind="info" standing={true}>
            {props.closed}
          </Notice>
        ) : (
          <TextBox text={props.text} error={form.errors.content} name={props.path} />
        )}
        {shown.kind === 'preview' && <Preview html={shown.html} />}
        {shown.kind === 'changes' &&
          (shown.change === null ? (
            <Notice kind="info" standing={true}>
              What would change cannot be shown.
            </Notice>
          ) : (
            <ChangeView
              id="changes-h"
              title="What this commit would change"
              path={props.path}
              oldPath={original}
              change={shown.change}
            />
          ))}
        <CommitFields form={form} branch={branch} summary={props.summary} seen={props.seen} isFirst={props.seen === ''}>
          <Button look="primary">Commit changes</Button>
          {props.text !== null && (
            <Button name="do" value="changes">
              Show changes
            </Button>
          )}
          {props.text !== null && (isMarkdown || original === null) && (
            <Button name="do" value="preview" icon="eye">
              {isMarkdown ? 'Preview' : 'Preview as markdown'}
            </Button>
          )}
          <LinkButton href={back}>Cancel</LinkButton>
        </CommitFields>
      </form>
    </>
  )
}

/** A browser drops a line break right after the opening tag: one is written for it to drop. */
function TextBox(props: { text: string; error: string | undefined; name: string }) {
  return (
    <div class="field">
      <label for="field-content">Contents</label>
      <textarea
        class="textarea font-mono text-xs! leading-5! min-h-40 [tab-size:4]"
        id="field-content"
        name="content"
        rows={24}
        wrap="off"
        spellcheck={false}
        autocapitalize="none"
        autocomplete="off"
        data-editor=""
        aria-describedby={props.error ? 'field-content-error' : undefined}
        aria-invalid={props.error ? 'true' : undefined}
      >
        {`\n${props.text}`}
      </textarea>
      {props.error && <FieldError id="field-content-error">{props.error}</FieldError>}
    </div>
  )
}

function Preview({ html }: { html: SafeHtml | null }) {
  if (html === null) {
    return (
      <Notice kind="info" standing={true}>
        This text cannot be rendered just now. It would be shown as it is written.
      </Notice>
    )
  }
  return (
    <section class="panel" aria-labelledby="preview-h">
      <div class="panel-head">
        <h2 id="preview-h">Preview</h2>
      </div>
      <div class="card-text p-5">
        <RawHtml html={html} />
      </div>
    </section>
  )
}

function ConflictView(props: EditPageProps & { conflict: Conflict }) {
  const { repo, branch, conflict } = props
  const { by, path } = conflict
  return (
    <section class="grid grid-cols-[minmax(0,1fr)] gap-4" aria-labelledby="conflict-h">
      <Notice kind="error">
        <h2 id="conflict-h" class="text-base">
          {conflict.isGone ? `${path} was removed` : `${path} was changed`} since you opened this page
        </h2>
        <p>
          Nothing was overwritten, and what you wrote stands below.
          {by !== null && (
            <>
              {' '}
              {by.name} changed it <Time at={by.at} />:{' '}
              <a class="a" href={commitPath(repo, by.id)}>
                {by.title}
              </a>
            </>
          )}
        </p>
      </Notice>
      {conflict.theirs && (
        <ChangeView
          id="theirs-h"
          title="What was changed meanwhile"
          path={path}
          oldPath={null}
          change={conflict.theirs}
        />
      )}
      {conflict.yours && (
        <ChangeView
          id="yours-h"
          title="Yours, against the file as it is now"
          path={path}
          oldPath={null}
          change={conflict.yours}
        />
      )}
      <form
        class="flex flex-wrap gap-2"
        method="post"
        action={
          props.original === null
            ? revisionPath(repo, 'new', branch, props.folder)
            : revisionPath(repo, 'edit', branch, props.original)
        }
      >
        <input type="hidden" name="path" value={props.path} />
        <input type="hidden" name="content" value={props.text ?? ''} />
        {Object.entries(props.form.values).map(([name, value]) =>
          ['summary', 'description', 'target', 'newBranch'].includes(name) ? (
            <input type="hidden" name={name} value={value} />
          ) : null,
        )}
        <input type="hidden" name="parentCommit" value={conflict.head} />
        <Button class="h-auto! max-w-full py-1.5 whitespace-normal" name="do" value="changes">
          Take the newer one as the base, keep my text
        </Button>
        {!conflict.isGone && (
          <LinkButton
            class="h-auto! max-w-full py-1.5 whitespace-normal"
            href={revisionPath(repo, 'edit', branch, path)}
          >
            Drop my text and edit the newer one
          </LinkButton>
        )}
      </form>
    </section>
  )
}

/** Where the address names a tag or a commit. */
export function NotOnBranchPage(props: { context: PageContext; repo: RepoView; revision: string }) {
  const { context, repo } = props
  return (
    <Page
      context={context}
      title={`Nothing to change at ${props.revision}: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={props.revision} />}
    >
      <NotOnBranch repo={repo} revision={props.revision} />
    </Page>
  )
}
