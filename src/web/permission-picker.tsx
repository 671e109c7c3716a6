/* The permissions of a fine-grained token, in groups by what they are on. What one's own role cannot give is shown and
   disabled, with the reason. Ticks travel as `scoped=model:acme/x=repo.write`, the form that the command line takes. */
import type { Child } from 'hono/jsx'
import { Badge } from './badge.tsx'
import { Button } from './button.tsx'
import { Icon } from './icon.tsx'
import type { IconName } from './icon-names.ts'
import { Who } from './who.tsx'

export type PermissionChoice = {
  /** The Hub's name: `repo.write`. */
  permission: string
  label: string
  ticked: boolean
  /** "Needs the admin role in northsea-lab." Null where one may give it. */
  refusedBecause: string | null
}

export type PermissionEntity = {
  /** `user:mara`, `org:acme`, `model:acme/x`: what the tick is about. */
  entity: string
  name: string
  choices: readonly PermissionChoice[]
}

export type SelectedRepo = PermissionEntity & {
  kind: 'model' | 'dataset' | 'space'
  isPrivate: boolean
  /** One has lost access: the grant is listed but gives nothing. */
  isNotEffective: boolean
}

/** The field that adds a repository: what is wrong with what was typed, that text, and what is offered. */
export type AddingRepo = {
  error?: string
  typed?: string
  suggestions?: readonly string[]
}

export type PickerGroups = {
  repos: readonly SelectedRepo[]
  /** `role`: in words, "your role: admin". */
  organizations: readonly (PermissionEntity & { role: string })[]
  /** Of those whose owner has a role there; none for people, whose tokens name them by the command line alone. */
  workspaces?: readonly (PermissionEntity & { role: string })[]
  /** Null for who has no namespace. */
  own: (PermissionEntity & { fullname: string | null }) | null
  /** Permissions on no entity in particular (`global=`), and the gated flag (`canReadGatedRepos=`); null where it is not offered. */
  global: readonly PermissionChoice[]
  canReadGatedRepos: boolean | null
  adding: AddingRepo
}

const kindIcons: Readonly<Record<SelectedRepo['kind'], IconName>> = {
  model: 'box',
  dataset: 'database',
  space: 'app-window',
}

export function PermissionPicker({ groups }: { groups: PickerGroups }) {
  const { own, workspaces = [] } = groups
  const listed = [...groups.organizations, ...workspaces, ...groups.repos, ...(own === null ? [] : [own])]
  const all = listed.flatMap((entity) => entity.choices)
  const offered = [...all, ...groups.global]
  const ticked = offered.filter((choice) => choice.ticked).length + (groups.canReadGatedRepos ? 1 : 0)
  return (
    <fieldset class="panel only-fine">
      <legend class="sr-only">Permissions</legend>
      <div class="panel-head">
        <span class="font-semibold">Permissions</span>
        <span class="text-muted text-sm" data-picker-count="">
          {`${ticked} of ${offered.length + (groups.canReadGatedRepos === null ? 0 : 1)} ticked`}
        </span>
      </div>
      <SelectedRepos groups={groups} />
      {groups.organizations.map((organization) => (
        <Group
          open={isTicked(organization)}
          title={
            <>
              <Who kind="organization" name={organization.name} size="small" />
              {organization.name} <span class="text-muted font-normal text-sm">{organization.role}</span>
            </>
          }
        >
          <Choices entity={organization} />
        </Group>
      ))}
      {workspaces.map((workspace) => (
        <Group
          open={isTicked(workspace)}
          title={
            <>
              <Icon name="layers" />
              {workspace.name} <span class="text-muted font-normal text-sm">{workspace.role}</span>
            </>
          }
        >
          <Choices entity={workspace} />
        </Group>
      ))}
      {own && (
        <Group
          open={isTicked(own)}
          title={
            <>
              <Who kind="user" name={own.fullname ?? own.name} size="small" />
              {own.name} <span class="text-muted font-normal text-sm">your own namespace</span>
            </>
          }
        >
          <Choices entity={own} />
        </Group>
      )}
      {groups.global.length > 0 && (
        <Group
          open={groups.global.some((choice) => choice.ticked)}
          title={
            <>
              <Icon name="users" />
              Everywhere <span class="text-muted font-normal text-sm">what others share with you</span>
            </>
          }
        >
          <div class="grid sm:grid-cols-2 gap-x-6">
            {groups.global.map((choice) => (
              <Choice name="global" value={choice.permission} choice={choice} />
            ))}
          </div>
        </Group>
      )}
      {groups.canReadGatedRepos !== null && (
        <Group
          last={true}
          open={groups.canReadGatedRepos}
          title={
            <>
              <Icon name="ticket" />
              Gated repositories
            </>
          }
        >
          <Choice
            name="canReadGatedRepos"
            value="true"
            choice={{
              permission: 'canReadGatedRepos',
              label: 'Read contents of all gated repositories I may access',
              ticked: groups.canReadGatedRepos,
              refusedBecause: null,
            }}
          />
        </Group>
      )}
    </fieldset>
  )
}

function SelectedRepos({ groups }: { groups: PickerGroups }) {
  const { repos, adding } = groups
  return (
    <Group
      open={true}
      title={
        <>
          <Icon name="box" />
          Selected repositories {repos.length > 0 && <span class="count">{repos.length}</span>}
        </>
      }
    >
      <div class="grid gap-3">
        <div class="field">
          <div class="flex gap-2">
            <label class="input input-sm">
              <span class="sr-only">Find a repository to add</span>
              <Icon name="search" />
              <input
                name="repo"
                value={adding.typed}
                placeholder="acme/m1, datasets/acme/d1 or spaces/acme/s1"
                spellcheck={false}
                aria-describedby={adding.error && 'repo-error'}
                aria-invalid={adding.error ? 'true' : undefined}
                list="repo-suggestions"
                autocomplete="off"
              />
              <datalist id="repo-suggestions">
                {adding.suggestions?.map((name) => (
                  <option value={name} />
                ))}
              </datalist>
            </label>
            <Button name="add" value="repo" label="Add the repository">
              Add
            </Button>
          </div>
          {adding.error && (
            <span class="bad" id="repo-error">
              <Icon name="circle-alert" />
              {adding.error}
            </span>
          )}
        </div>
        {repos.map((repo) => (
          <div class="border border-line rounded-field p-3">
            <input type="hidden" name="selected" value={repo.entity} />
            <div class="flex flex-wrap items-center gap-2 mb-1.5 text-sm">
              <Icon name={kindIcons[repo.kind]} />
              <b class="font-semibold break-all">{repo.name}</b>
              {repo.isPrivate && <Badge icon="lock">private</Badge>}
              {repo.isNotEffective && <Badge icon="circle-off">no longer effective</Badge>}
              <button
                class="icon-btn min-w-6 min-h-6 ml-auto"
                type="submit"
                name="remove"
                value={repo.entity}
                aria-label={`Remove ${repo.name}`}
              >
                <Icon name="x" />
              </button>
            </div>
            <Choices entity={repo} />
          </div>
        ))}
      </div>
    </Group>
  )
}

function Group(props: { title: Child; open: boolean; last?: boolean; children: Child }) {
  return (
    <details open={props.open} class={props.last ? undefined : 'border-b border-line'}>
      <summary class="px-4 py-2.5 font-medium">
        <span class="inline-flex flex-wrap items-center gap-2 align-middle">{props.title}</span>
      </summary>
      <div class="px-4 pb-4">{props.children}</div>
    </details>
  )
}

function Choices({ entity }: { entity: PermissionEntity }) {
  return (
    <div class="grid sm:grid-cols-2 gap-x-6">
      {entity.choices.map((choice) => (
        <Choice name="scoped" value={`${entity.entity}=${choice.permission}`} choice={choice} />
      ))}
    </div>
  )
}

function Choice(props: { name: string; value: string; choice: PermissionChoice }) {
  const { choice } = props
  return (
    <label class="perm">
      <input
        class="checkbox checkbox-sm"
        type="checkbox"
        name={props.name}
        value={props.value}
        checked={choice.ticked && choice.refusedBecause === null}
        disabled={choice.refusedBecause !== null}
        data-picker-box=""
      />
      <span class="min-w-0">
        {choice.label} <code class="break-words">{choice.permission}</code>
        {choice.refusedBecause && <span class="block text-xs">{choice.refusedBecause}</span>}
      </span>
    </label>
  )
}

function isTicked(entity: PermissionEntity): boolean {
  return entity.choices.some((choice) => choice.ticked)
}

export type SummaryLine = { can: boolean; text: string }

/** "What it will be able to do", made by the server; the script asks for it again at `address` after each tick. */
/** `owner`: whose rights the token stays within. */
export function PermissionSummary(props: { lines: readonly SummaryLine[]; address?: string; owner?: string }) {
  return (
    <aside
      class="panel p-4 grid gap-3 text-sm xl:sticky xl:top-4"
      aria-label="What this token will be able to do"
      id="token-summary"
      data-summary={props.address}
    >
      <h2 class="text-base">What it will be able to do</h2>
      <ul class="grid gap-1.5">
        {props.lines.map((line) => (
          <li class={line.can ? 'flex gap-2' : 'flex gap-2 text-muted'}>
            <span class={line.can ? 'text-success mt-0.5' : 'mt-0.5'}>
              <Icon name={line.can ? 'check' : 'x'} />
            </span>
            <span class="min-w-0 [overflow-wrap:anywhere]">{line.text}</span>
          </li>
        ))}
      </ul>
      <p class="text-xs text-muted border-t border-line pt-3">
        A token never does more than {props.owner ?? 'you'} may. If {props.owner ? `${props.owner} loses` : 'you lose'}{' '}
        a right, it loses it on the next request.
      </p>
    </aside>
  )
}
