/* Pages of groups and workspaces, with every word that a stranger could have chosen passed through `words`. */
import { GroupPage, GroupsPage } from '../../src/features/groups/pages.tsx'
import { WorkspacesPage } from '../../src/features/workspaces/list-page.tsx'
import { WorkspacePage } from '../../src/features/workspaces/workspace-page.tsx'
import type { PageContext } from '../../src/web/page-context.ts'
import type { PageNode } from '../../src/web/render.ts'

type Words = (text: string) => string

const some = { people: 3, machines: 1 }
const none = { people: 0, machines: 0 }

export function placeMove(words: Words) {
  return {
    repo: { kind: 'model' as const, namespace: words('acme'), name: words('harbor-7b'), isPrivate: true },
    from: { id: 'w2', name: words('Berth') },
    into: { id: 'w1', name: words('Robotics') },
    effect: { lose: some, gain: { people: 1, machines: 0 } },
  }
}

export function placePages(context: PageContext, words: Words): Record<string, PageNode> {
  const at = Date.UTC(2026, 10, 3)
  const organization = words('acme')
  const fresh = { values: {}, errors: {} }
  const refused = { values: { username: words('nobody') }, errors: { username: words('Nobody has this name.') } }
  const person = {
    kind: 'user' as const,
    name: words('jonas'),
    fullname: words('Jonas Okoro'),
    addedAt: at,
    isOff: false,
  }
  const machine = {
    kind: 'service-account' as const,
    name: 'sa-0123456789abcdef01234567',
    fullname: words('ci-publish'),
    addedAt: at,
    isOff: true,
  }
  const temporary = { until: at + 3_600_000, roleAfter: 'read', reason: words('Incident 7') }
  const group = { id: 'g1', name: words('Berth crew'), description: words('Who berths.'), people: 2, machines: 1 }
  const groups = { context, organization, groups: [group], nextHref: '/x', firstHref: null, mayCreate: true }
  const ofGroup = {
    context,
    organization,
    group,
    roster: [
      { ...person, role: 'manager' as const },
      { ...machine, role: 'member' as const },
    ],
    nextHref: '/x',
    firstHref: null,
    workspaces: [{ id: 'w1', name: words('Robotics'), role: 'write' }],
    mayChangeMembers: true,
    mayManage: true,
    offered: [{ value: 'sa-0a2201296725aa9354741ab0', label: words('GitLab release') }],
    form: refused,
  }
  const line = {
    id: 'w1',
    name: words('Robotics'),
    description: words('Arms and legs.'),
    ...some,
    groups: 1,
    hidden: 2,
    open: 1,
    joins: true,
  }
  const list = {
    context,
    organization,
    workspaces: [line],
    seesAll: true,
    nextHref: '/x',
    firstHref: null,
    mayCreate: true,
  }
  const page = <Line,>(lines: Line[]) => ({ lines, nextHref: '/x', firstHref: '/y' })
  const ofWorkspace = {
    context,
    organization,
    workspace: {
      id: 'w1',
      name: words('Robotics'),
      description: words('Arms and legs.'),
      autoJoin: 'all' as const,
      autoJoinRole: 'read',
      signedModelsSince: at,
    },
    repos: page([
      {
        id: 'r1',
        kind: 'dataset' as const,
        namespace: organization,
        name: words('d1'),
        isPrivate: true,
        updatedAt: at,
      },
    ]),
    holders: page([
      { ...person, role: 'admin', temporary },
      { ...machine, role: 'write', temporary: null },
    ]),
    groups: page([{ ...group, role: 'write', temporary: { ...temporary, roleAfter: null } }]),
    counts: { repos: 1, holders: 2, groups: 1 },
    groupChoices: [{ value: 'g2', label: words('Others') }],
    offered: [{ value: 'sa-0a2201296725aa9354741ab0', label: words('GitLab release') }],
    outside: { all: 3, readPlus: 1 },
    may: { manage: true, remove: true, moveRepos: true, createRepos: true, signedModels: true },
    forms: { people: refused, groups: fresh, repos: fresh, autoJoin: fresh, signed: fresh },
  }
  const reads = { manage: false, remove: false, moveRepos: false, createRepos: false, signedModels: false }
  return {
    groups: <GroupsPage {...groups} dialog={null} />,
    'groups-empty': <GroupsPage {...groups} groups={[]} nextHref={null} dialog={null} />,
    'group-new': (
      <GroupsPage {...groups} dialog={{ values: { name: words('Taken') }, errors: { name: words('Taken.') } }} />
    ),
    group: <GroupPage {...ofGroup} dialog={null} />,
    'group-read-only': (
      <GroupPage {...ofGroup} mayChangeMembers={false} mayManage={false} workspaces={[]} dialog={null} />
    ),
    'group-empty': <GroupPage {...ofGroup} roster={[]} nextHref={null} dialog={null} />,
    'group-edit': (
      <GroupPage
        {...ofGroup}
        dialog={{
          kind: 'edit',
          form: fresh,
        }}
      />
    ),
    'group-delete': <GroupPage {...ofGroup} dialog={{ kind: 'delete', loss: { ...some, repos: 2 } }} />,
    'group-delete-large': <GroupPage {...ofGroup} dialog={{ kind: 'delete', loss: null }} />,
    'group-remove': (
      <GroupPage
        {...ofGroup}
        dialog={{
          kind: 'remove',
          member: { name: words('jonas'), shown: words('jonas') },
          loss: { ...none, repos: 0 },
        }}
      />
    ),
    workspaces: <WorkspacesPage {...list} dialog={null} />,
    'workspaces-empty': <WorkspacesPage {...list} workspaces={[]} seesAll={false} nextHref={null} dialog={null} />,
    'workspace-new': <WorkspacesPage {...list} dialog={fresh} />,
    workspace: <WorkspacePage {...ofWorkspace} dialog={null} />,
    'workspace-read-only': <WorkspacePage {...ofWorkspace} outside={null} may={reads} dialog={null} />,
    'workspace-edit': <WorkspacePage {...ofWorkspace} dialog={{ kind: 'edit', form: fresh }} />,
    'workspace-delete': (
      <WorkspacePage
        {...ofWorkspace}
        dialog={{ kind: 'delete', hidden: 2, open: 1, effect: { lose: none, gain: some } }}
      />
    ),
    'workspace-remove': (
      <WorkspacePage
        {...ofWorkspace}
        dialog={{
          kind: 'remove',
          bearer: { kind: 'user', name: words('jonas'), shown: words('jonas') },
          hidden: 2,
          left: { through: null, isAdmin: false },
        }}
      />
    ),
    'workspace-remove-group': (
      <WorkspacePage
        {...ofWorkspace}
        dialog={{ kind: 'remove-group', group: { id: 'g1', name: words('Berth crew') }, loss: { ...some, repos: 2 } }}
      />
    ),
    'workspace-place': <WorkspacePage {...ofWorkspace} dialog={{ kind: 'place', ...placeMove(words) }} />,
  }
}
