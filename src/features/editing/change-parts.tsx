/* What the pages that change files share: where one is, the message and the branch, and why nothing can be changed. */
import type { Child } from 'hono/jsx'
import { repoPath, revisionPath } from '../../web/address.ts'
import { DiffView } from '../../web/diff-view.tsx'
import { PickField, TextArea, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Notice } from '../../web/notice.tsx'
import type { RepoView } from '../../web/repo-place.tsx'
import type { TextChange } from './line-diff.ts'

/** The branch, the way down to the file or folder, and what is done there. */
export function ChangeHead(props: { repo: RepoView; branch: string; path: string; children: Child }) {
  const { repo, branch } = props
  const parts = props.path === '' ? [] : props.path.split('/')
  return (
    <div class="grid gap-2">
      <div class="flex flex-wrap items-center gap-2">
        <a class="btn btn-sm btn-line" href={revisionPath(repo, 'tree', branch)}>
          <Icon name="git-branch" />
          <span class="max-w-48 truncate">{branch}</span>
        </a>
        <nav aria-label="Path" class="min-w-0 [overflow-wrap:anywhere]">
          <a class="quiet font-semibold" href={revisionPath(repo, 'tree', branch)}>
            {repo.name}
          </a>
          {parts.map((part, index) => (
            <>
              {' '}
              <span class="text-muted">/</span>{' '}
              <a class="quiet" href={revisionPath(repo, 'tree', branch, parts.slice(0, index + 1).join('/'))}>
                {part}
              </a>
            </>
          ))}
        </nav>
      </div>
      <h2 class="text-lg [overflow-wrap:anywhere]">{props.children}</h2>
    </div>
  )
}

/** Summary, description, and which branch it goes to. `summary`: what is written where nothing is typed. */
export function CommitFields(props: {
  form: FormState
  branch: string
  summary: string
  seen: string
  /** A repo without a commit has one branch to commit to. */
  isFirst: boolean
  /** Above the buttons. */
  last?: Child
  /** The buttons. */
  children: Child
}) {
  const { form } = props
  return (
    <section class="panel group" aria-labelledby="commit-h">
      <div class="panel-head">
        <Icon name="git-commit-horizontal" />
        <h2 id="commit-h">Commit</h2>
      </div>
      <div class="p-4 grid gap-4 max-w-3xl">
        <input type="hidden" name="parentCommit" value={props.seen} />
        <TextField
          form={form}
          name="summary"
          label="Summary"
          optional={true}
          placeholder={props.summary}
          maxlength={200}
        />
        <TextArea form={form} name="description" label="Description" optional={true} rows={3} maxlength={20_000} />
        {!props.isFirst && (
          <>
            <PickField
              form={form}
              name="target"
              legend="Branch"
              value="here"
              columns={2}
              picks={[
                { value: 'here', label: `Commit to ${props.branch}` },
                { value: 'new', label: 'Commit to a new branch', help: `It begins at ${props.branch} as it is now.` },
              ]}
            />
            <TextField
              form={form}
              name="newBranch"
              label="Name of the new branch"
              help="As in “experiment” or “team/next”."
              maxlength={200}
              verbatim={true}
              class="hidden group-has-[input[value=new]:checked]:grid"
            />
          </>
        )}
        {props.last}
        <div class="flex flex-wrap gap-2">{props.children}</div>
      </div>
    </section>
  )
}

/** One text before and after, with a heading that says what is compared. */
export function ChangeView(props: {
  id: string
  title: string
  path: string
  oldPath: string | null
  change: TextChange
}) {
  const { change, path } = props
  const isRename = props.oldPath !== null && props.oldPath !== path
  return (
    <section class="grid grid-cols-[minmax(0,1fr)] gap-2" aria-labelledby={props.id}>
      <h2 id={props.id} class="text-base">
        {props.title}
      </h2>
      {change.hunks.length === 0 && !isRename ? (
        <p class="text-sm text-muted">Nothing differs.</p>
      ) : (
        <DiffView
          label={`${props.title}: ${path}`}
          file={{
            path,
            oldPath: isRename ? props.oldPath : null,
            change: isRename ? 'renamed' : 'changed',
            linesAdded: change.linesAdded,
            linesRemoved: change.linesRemoved,
            href: null,
            body: { kind: 'text', hunks: change.hunks, isCut: change.isCut },
          }}
        />
      )}
    </section>
  )
}

/** In place of a form: what stands in the way of it. */
export function NoChange(props: { repo: RepoView; why: { message: string; next: string | null } }) {
  return (
    <Notice kind="info" standing={true}>
      {props.why.message}
      {props.why.next !== null && <> {props.why.next}</>}
    </Notice>
  )
}

/** A tag and a commit stay what they are. */
export function NotOnBranch(props: { repo: RepoView; revision: string }) {
  return (
    <Notice
      kind="info"
      standing={true}
      action={
        <a class="a" href={repoPath(props.repo, '/refs')}>
          All branches
        </a>
      }
    >
      <code>{props.revision}</code> is a tag or a commit, which never change. Files are changed on a branch.
    </Notice>
  )
}
