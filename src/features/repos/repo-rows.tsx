import { type RepoAddress, type RepoKind, repoId, repoPath } from '../../web/address.ts'
import { Badge, RepoBadges } from '../../web/badge.tsx'
import type { Section } from '../../web/header.tsx'
import { Icon } from '../../web/icon.tsx'
import type { IconName } from '../../web/icon-names.ts'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { Time } from '../../web/time.tsx'

export type RepoRow = RepoAddress & {
  isPrivate: boolean
  isGated?: boolean
  /** A server answers for it. */
  isServed?: boolean
  /** One line; from the card. */
  description: string | null
  /** "text-generation"; null where the card says nothing. */
  task: string | null
  library: string | null
  updatedAt: number
}

export const kindWords: Readonly<Record<RepoKind, { one: string; many: string; icon: IconName; section: Section }>> = {
  model: { one: 'model', many: 'models', icon: 'box', section: 'models' },
  dataset: { one: 'dataset', many: 'datasets', icon: 'database', section: 'datasets' },
  space: { one: 'space', many: 'spaces', icon: 'app-window', section: 'spaces' },
}

export function RepoRows(props: { caption: string; repos: readonly RepoRow[]; showKind?: boolean }) {
  return (
    <Rows
      caption={props.caption}
      columns={[{ label: 'Name' }, { label: 'Task', class: 'max-lg:hidden' }, { label: 'Changed', class: 'end' }]}
    >
      {props.repos.map((repo) => (
        <Row>
          <RowHead
            before={
              props.showKind ? (
                <span class="text-muted" title={kindWords[repo.kind].one}>
                  <Icon name={kindWords[repo.kind].icon} />
                  <span class="sr-only">{kindWords[repo.kind].one}</span>
                </span>
              ) : undefined
            }
            description={repo.description}
          >
            <span class="flex flex-wrap items-center gap-x-2 gap-y-1">
              <a class="quiet [overflow-wrap:anywhere]" href={repoPath(repo)}>
                {repoId(repo)}
              </a>
              <RepoBadges isPrivate={repo.isPrivate} isGated={repo.isGated} />
              {repo.isServed && (
                <Badge icon="server" title="It can be called at this hub's address">
                  answers
                </Badge>
              )}
            </span>
          </RowHead>
          <Cell label="Task" class="max-lg:hidden text-muted">
            {[repo.task, repo.library].filter(Boolean).join(', ')}
          </Cell>
          <Cell label="Changed" class="end nowrap text-muted">
            <Time at={repo.updatedAt} />
          </Cell>
        </Row>
      ))}
    </Rows>
  )
}
