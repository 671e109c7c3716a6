/* The roles of an organization in words, and the table of what each may do (behaviours: ROL). */
import type { Choice } from '../../web/field.tsx'
import { Notice } from '../../web/notice.tsx'

export const memberRoles = ['admin', 'write', 'contributor', 'read', 'no_access'] as const
export type MemberRole = (typeof memberRoles)[number]

export const roleChoices: readonly Choice[] = memberRoles.map((role) => ({ value: role, label: role }))

export const roleHelp: Readonly<Record<MemberRole, string>> = {
  admin: 'everything, members and settings too',
  write: 'push to every repository and create new ones',
  contributor: 'create repositories and push to their own, read the rest',
  read: 'read every repository',
  no_access: 'only what a workspace or a repository gives them',
}

/** For those who change roles: with what the Hub's own interface does beside. */
export function RoleMeanings(props: { forAdmins: boolean }) {
  return (
    <details class="text-sm">
      <summary class="font-medium">What each role may do</summary>
      <div class="grid gap-3 pt-3">
        <dl class="facts">
          {memberRoles.map((role) => (
            <>
              <dt>{role}</dt>
              <dd>{roleHelp[role]}</dd>
            </>
          ))}
        </dl>
        <p class="text-muted">
          In a workspace, the role that somebody has there counts in place of this one; an admin may do everything there
          too. Everybody with the role read and more sees these settings; only an admin changes them.
        </p>
        {props.forAdmins && (
          <Notice kind="warning" small={true} standing={true}>
            A role that is changed here leaves the member's workspaces as they are. A program that changes it by the
            Hub's interface (<code>PUT /api/organizations/…/role</code>) without naming <code>resourceGroups</code>{' '}
            takes the member out of all of them.
          </Notice>
        )}
      </div>
    </details>
  )
}
