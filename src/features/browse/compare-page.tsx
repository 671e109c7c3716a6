/* What one revision has that another has not: the commits between and the change as a whole. */
import { repoId, repoPath } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextField } from '../../web/field.tsx'
import { freshForm } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { Notice } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { counted } from '../../web/size.ts'
import { Changes, type CommitChanges, CommitLines } from './history-pages.tsx'
import type { CommitBrief } from './tree-page.tsx'

export type Comparison = {
  /** The newest, as far as a page goes; null where finding them took too long. */
  commits: readonly CommitBrief[] | null
  /** There are more than are shown. */
  isCut: boolean
  /** Null where comparing took too long. */
  changes: CommitChanges | null
  /** No commit is common to both: compared is one state with the other. */
  isUnrelated: boolean
}

type ComparePageProps = {
  context: PageContext
  repo: RepoView
  base: string
  head: string
  /** Names that the fields offer. */
  names: readonly string[]
  /** Null where nothing was asked for yet. */
  comparison: Comparison | null
}

export function ComparePage(props: ComparePageProps) {
  const { context, repo, base, head, comparison } = props
  return (
    <Page
      context={context}
      title={`Compare ${base} with ${head}: ${repoId(repo)}`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="commits" />}
    >
      <section class="panel" aria-labelledby="compare-h">
        <div class="panel-head">
          <h2 id="compare-h">Compare</h2>
        </div>
        <form class="p-4 flex flex-wrap items-end gap-4" action={repoPath(repo, '/compare')}>
          <Names {...props} name="base" label="From" value={base} />
          <Names {...props} name="head" label="To" value={head} />
          <Button look="primary" icon="git-compare">
            Compare
          </Button>
          <p class="basis-full text-xs text-muted">
            Branches, tags or commit ids. What the second has since it parted from the first is shown.
          </p>
        </form>
      </section>
      {comparison !== null && <Differences {...props} comparison={comparison} />}
    </Page>
  )
}

function Names(props: ComparePageProps & { name: 'base' | 'head'; label: string; value: string }) {
  return (
    <TextField
      form={freshForm}
      name={props.name}
      label={props.label}
      value={props.value}
      required={true}
      maxlength={200}
      verbatim={true}
      suggestions={props.names.map((name) => ({ value: name, label: name }))}
      class="flex-1 min-w-48"
    />
  )
}

function Differences({ repo, base, head, comparison }: ComparePageProps & { comparison: Comparison }) {
  const { commits, changes, isCut, isUnrelated } = comparison
  if (commits?.length === 0 && changes?.totals.files === 0) {
    return (
      <section class="panel">
        <Empty icon="git-compare" title="Nothing to compare">
          {base} has every commit of {head}, so nothing would change.
        </Empty>
      </section>
    )
  }
  return (
    <>
      {isUnrelated && (
        <Notice kind="info" standing={true}>
          {base} and {head} have no commit in common: what is shown leads from one state to the other.
        </Notice>
      )}
      {commits !== null && commits.length > 0 && (
        <section class="panel" aria-labelledby="commits-h">
          <div class="panel-head">
            <h2 id="commits-h">
              {isCut && 'The newest '}
              {counted(commits.length, 'commit')}
            </h2>
            <span class="text-sm text-muted">
              in <code>{head}</code>, not in <code>{base}</code>
            </span>
          </div>
          <CommitLines repo={repo} commits={commits} />
        </section>
      )}
      {changes === null ? (
        <Notice kind="info" standing={true}>
          Comparing these takes too long here. Clone the repository to see it: <code>{command(base, head)}</code>
        </Notice>
      ) : (
        <Changes command={command(base, head)} changes={changes} />
      )}
    </>
  )
}

function command(base: string, head: string): string {
  return `git diff ${base}...${head}`
}
