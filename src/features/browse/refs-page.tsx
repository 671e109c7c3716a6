/* The branches and tags of a repository, and the dialogs that make and delete them for those who may. */
import { comparePath, repoId, repoPath, revisionPath, withQuery } from '../../web/address.ts'
import { Badge } from '../../web/badge.tsx'
import { Button, LinkButton } from '../../web/button.tsx'
import { TypedConfirmation } from '../../web/confirmation.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Icon } from '../../web/icon.tsx'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { countWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { type CommitBrief, CommitLink } from './tree-page.tsx'

export type RefKind = 'branch' | 'tag'

export type RefRow = {
  name: string
  /** Null where the ref names something else than a commit. */
  commit: Pick<CommitBrief, 'id' | 'title' | 'at'> | null
  isDefault: boolean
}

export type RefList = {
  rows: readonly RefRow[]
  /** There are more than are shown. */
  isCut: boolean
}

export type RefsDialog =
  | { kind: 'create'; what: RefKind; form: FormState }
  | { kind: 'delete'; what: RefKind; name: string; form: FormState }
  | null

type RefsPageProps = {
  context: PageContext
  repo: RepoView
  branches: RefList
  tags: RefList
  dialog: RefsDialog
}

const words = {
  branch: { one: 'branch', title: 'Branches', icon: 'git-branch', path: '/refs/branches' },
  tag: { one: 'tag', title: 'Tags', icon: 'tag', path: '/refs/tags' },
} as const

export function RefsPage(props: RefsPageProps) {
  const { context, repo } = props
  const base = props.branches.rows.find(({ isDefault }) => isDefault)?.name ?? null
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: branches and tags`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="files" />}
      dialog={props.dialog && <RefDialog repo={repo} dialog={props.dialog} />}
    >
      <RefTable repo={repo} what="branch" list={props.branches} base={base} />
      <RefTable repo={repo} what="tag" list={props.tags} base={base} />
    </Page>
  )
}

/** `base`: what others are compared with; null where there is no default branch. */
function RefTable(props: { repo: RepoView; what: RefKind; list: RefList; base: string | null }) {
  const { repo, what } = props
  const { rows, isCut } = props.list
  const { one, title, icon } = words[what]
  return (
    <section class="panel" aria-label={title}>
      <div class="panel-head">
        <h2>{title}</h2>
        <span class="count">
          {countWords(rows.length)}
          {isCut && '+'}
        </span>
        {repo.mayWrite && (
          <LinkButton
            icon="plus"
            class="ml-auto"
            href={repoPath(repo, `/refs?dialog=new-${one}`)}
            label={`New ${one}`}
            dialog={true}
          >
            New {one}
          </LinkButton>
        )}
      </div>
      {rows.length === 0 ? (
        <Empty icon={icon} title={`No ${title.toLowerCase()} yet`}>
          {what === 'tag' ? 'A tag keeps one commit under a name, as for a release.' : 'The first push makes one.'}
        </Empty>
      ) : (
        <Rows
          caption={`${title} of ${repoId(repo)}`}
          columns={[
            { label: 'Name' },
            { label: 'Commit' },
            { label: 'Last change' },
            { label: 'When', class: 'end' },
            { label: 'Actions', silent: true },
          ]}
        >
          {rows.map((row) => (
            <RefLine repo={repo} what={what} row={row} base={props.base} />
          ))}
        </Rows>
      )}
      {isCut && (
        <p class="px-4 py-2.5 text-sm text-muted border-t border-line">
          The first {countWords(rows.length)} by name. <code>git ls-remote</code> lists them all.
        </p>
      )}
    </section>
  )
}

function RefLine(props: { repo: RepoView; what: RefKind; row: RefRow; base: string | null }) {
  const { repo, what, row, base } = props
  const { one, icon } = words[what]
  return (
    <Row>
      <RowHead
        before={
          <span class="text-muted">
            <Icon name={icon} />
          </span>
        }
      >
        <a class="quiet [overflow-wrap:anywhere]" href={revisionPath(repo, 'tree', row.name)}>
          {row.name}
        </a>{' '}
        {row.isDefault && <Badge>default</Badge>}
      </RowHead>
      <Cell label="Commit" class="nowrap">
        {row.commit && <CommitLink repo={repo} id={row.commit.id} />}
      </Cell>
      <Cell label="Last change" class="text-muted">
        {row.commit && <span class="[overflow-wrap:anywhere]">{row.commit.title}</span>}
      </Cell>
      <Cell label="When" class="end nowrap text-muted">
        {row.commit && <Time at={row.commit.at} />}
      </Cell>
      <Cell class="act">
        {base !== null && !row.isDefault && row.commit && (
          <a
            class="icon-btn"
            href={comparePath(repo, base, row.name)}
            aria-label={`Compare ${one} ${row.name} with ${base}`}
          >
            <Icon name="git-compare" />
          </a>
        )}
        {repo.mayWrite && !row.isDefault && (
          <a
            class="icon-btn"
            href={withQuery(repoPath(repo, '/refs'), { dialog: `delete-${one}`, name: row.name })}
            aria-label={`Delete ${one} ${row.name}`}
            data-dialog=""
          >
            <Icon name="trash-2" />
          </a>
        )}
      </Cell>
    </Row>
  )
}

function RefDialog({ repo, dialog }: { repo: RepoView; dialog: NonNullable<RefsDialog> }) {
  const { one, path } = words[dialog.what]
  const closeHref = repoPath(repo, '/refs')
  if (dialog.kind === 'create') {
    return (
      <Dialog
        title={`New ${one}`}
        closeHref={closeHref}
        action={repoPath(repo, path)}
        submit={<Button look="primary">Create {one}</Button>}
      >
        <TextField
          form={dialog.form}
          name="name"
          label="Name"
          help={dialog.what === 'branch' ? 'As in “experiment” or “team/next”.' : 'As in “v1.2”.'}
          required={true}
          maxlength={200}
          verbatim={true}
          autofocus={true}
        />
        <TextField
          form={dialog.form}
          name="startingPoint"
          label="At"
          help="A branch, a tag or a commit id."
          value="main"
          required={true}
          maxlength={200}
          verbatim={true}
        />
        {dialog.what === 'tag' && (
          <TextField form={dialog.form} name="message" label="Message" optional={true} maxlength={2000} />
        )}
        <FormProblem form={dialog.form} />
      </Dialog>
    )
  }
  return (
    <Dialog
      title={`Delete ${one} ${dialog.name}`}
      closeHref={closeHref}
      action={repoPath(repo, `${path}/delete`)}
      submit={
        <Button look="error" icon="trash-2">
          Delete {one}
        </Button>
      }
    >
      <Notice kind="warning" small={true}>
        {dialog.what === 'branch'
          ? 'Commits that no other branch or tag leads to are out of reach afterwards, and removed in time. Clones keep theirs.'
          : 'Programs that name this tag as their revision stop finding it. The commit itself stays where a branch leads to it.'}
      </Notice>
      <input type="hidden" name="name" value={dialog.name} />
      <TypedConfirmation form={dialog.form} word={dialog.name} autofocus={true} />
      <FormProblem form={dialog.form} />
    </Dialog>
  )
}
