/* The page before something is deleted: one file by a press, some of a folder by their boxes, a whole folder by its name, typed. */
import { repoId, revisionPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { counted, sizeWords } from '../../web/size.ts'
import { ChangeHead, CommitFields, NoChange } from './change-parts.tsx'

export type Deleted =
  | { kind: 'file'; size: number }
  /** Null: more than are counted. */
  | { kind: 'folder'; files: number | null }
  | {
      kind: 'some'
      entries: readonly { name: string; isFolder: boolean; size: number }[]
      chosen: readonly string[]
      isCut: boolean
    }

type DeletePageProps = {
  context: PageContext
  repo: RepoView
  branch: string
  /** Empty at the top, where only some can be chosen. */
  path: string
  deleted: Deleted
  seen: string
  form: FormState
  /** What is to be deleted changed since the page was opened. */
  isChanged: boolean
  barred: { message: string; next: string | null } | null
}

export function DeletePage(props: DeletePageProps) {
  const { context, repo, branch, path, deleted } = props
  const title = deleted.kind === 'some' ? 'Delete files' : `Delete ${path}`
  return (
    <Page
      context={context}
      title={`${title}: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" revision={branch} />}
    >
      <ChangeHead repo={repo} branch={branch} path={path}>
        {deleted.kind === 'some' ? 'Delete files' : `Delete ${path.slice(path.lastIndexOf('/') + 1)}`}
      </ChangeHead>
      {props.barred === null ? <DeleteForm {...props} /> : <NoChange repo={repo} why={props.barred} />}
    </Page>
  )
}

function DeleteForm(props: DeletePageProps) {
  const { repo, branch, path, deleted, form } = props
  const view = deleted.kind === 'file' ? 'blob' : 'tree'
  return (
    <form
      class="grid grid-cols-[minmax(0,1fr)] gap-4"
      method="post"
      action={`${revisionPath(repo, 'delete', branch, path)}${deleted.kind === 'some' ? '?choose=1' : ''}`}
    >
      {props.isChanged && (
        <Notice kind="error">
          What you were about to delete was changed since you opened this page. Nothing was deleted.{' '}
          <a class="a" href={revisionPath(repo, 'commits', branch, path)}>
            Look at what changed
          </a>
          , then press again to delete it as it is now.
        </Notice>
      )}
      <FormProblem form={form} />
      <Notice kind="warning" standing={true}>
        {whatGoes(deleted, path)} The commits before keep what they hold: it can be brought back from the history.
      </Notice>
      {deleted.kind === 'some' && <Choice {...props} deleted={deleted} />}
      {deleted.kind === 'folder' && (
        <div class="max-w-3xl">
          <TypedConfirmation form={form} word={path} autofocus={true} />
        </div>
      )}
      <CommitFields form={form} branch={branch} summary={summaryOf(deleted, path)} seen={props.seen} isFirst={false}>
        <Button look="error" icon="trash-2">
          {deleted.kind === 'file'
            ? 'Delete file'
            : deleted.kind === 'folder'
              ? 'Delete folder'
              : 'Delete chosen files'}
        </Button>
        <LinkButton href={revisionPath(repo, view, branch, path)}>Cancel</LinkButton>
      </CommitFields>
    </form>
  )
}

function whatGoes(deleted: Deleted, path: string): string {
  if (deleted.kind === 'file') return `${path} (${sizeWords(deleted.size)}) is removed from the branch.`
  if (deleted.kind === 'some') return 'The files that you choose are removed from the branch, in one commit.'
  const files = deleted.files === null ? 'More than 1,000 files' : counted(deleted.files, 'file')
  const verb = deleted.files === 1 ? 'is' : 'are'
  return `${files} below ${path} ${verb} removed from the branch.`
}

function summaryOf(deleted: Deleted, path: string): string {
  return deleted.kind === 'some' ? 'Delete files' : `Delete ${path}`
}

function Choice(props: DeletePageProps & { deleted: Extract<Deleted, { kind: 'some' }> }) {
  const { repo, branch, path, deleted } = props
  const below = (name: string) => (path === '' ? name : `${path}/${name}`)
  return (
    <fieldset class="panel p-4 grid gap-1">
      <legend class="sr-only">Files to delete</legend>
      {deleted.entries.length === 0 && <p class="text-sm text-muted">There is nothing here.</p>}
      {deleted.entries.map((entry) =>
        entry.isFolder ? (
          <p class="perm">
            <Icon name="folder" />
            <span class="min-w-0 [overflow-wrap:anywhere]">
              <a class="quiet" href={`${revisionPath(repo, 'delete', branch, below(entry.name))}?choose=1`}>
                {entry.name}
              </a>{' '}
              <a
                class="a text-muted"
                href={revisionPath(repo, 'delete', branch, below(entry.name))}
                aria-label={`Delete the whole folder ${entry.name}`}
              >
                whole folder
              </a>
            </span>
          </p>
        ) : (
          <label class="perm">
            <input
              class="checkbox checkbox-sm"
              type="checkbox"
              name="chosen"
              value={entry.name}
              checked={deleted.chosen.includes(entry.name)}
            />
            <span class="min-w-0 [overflow-wrap:anywhere]">
              {entry.name} <span class="text-muted num">{sizeWords(entry.size)}</span>
            </span>
          </label>
        ),
      )}
      {deleted.isCut && (
        <p class="text-sm text-muted">The first {deleted.entries.length} by name. Delete these first, or use git.</p>
      )}
    </fieldset>
  )
}
