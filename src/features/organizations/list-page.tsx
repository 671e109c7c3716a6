/* The organizations one belongs to, with one's role in each. */
import { namespacePath } from '../../web/address.ts'
import { LinkButton } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { membersPath } from '../../web/settings-frame.tsx'
import { YourSettingsPage } from '../../web/settings-page.tsx'
import { Who } from '../../web/who.tsx'

export const ownOrganizationsPath = '/settings/organizations'

type OrganizationRow = { name: string; fullname: string | null; role: string }

export function OwnOrganizationsPage(props: { context: PageContext; organizations: readonly OrganizationRow[] }) {
  const newOne = (
    <LinkButton icon="plus" href="/organizations/new">
      New organization
    </LinkButton>
  )
  return (
    <YourSettingsPage context={props.context} title="Organizations" current={ownOrganizationsPath}>
      <PageHead
        title="Organizations"
        lede="What you may do in each follows from your role there."
        action={props.organizations.length > 0 ? newOne : null}
      />
      <section class="panel" aria-label="Your organizations">
        {props.organizations.length === 0 ? (
          <Empty icon="building-2" title="No organizations yet" action={newOne}>
            An organization is a name that several people share. Its repositories stay when a person leaves.
          </Empty>
        ) : (
          <Rows
            caption="Your organizations"
            columns={[{ label: 'Organization' }, { label: 'Your role' }, { label: 'Members', silent: true }]}
          >
            {props.organizations.map((organization) => (
              <OrganizationLine organization={organization} />
            ))}
          </Rows>
        )}
      </section>
    </YourSettingsPage>
  )
}

function OrganizationLine({ organization }: { organization: OrganizationRow }) {
  const { name, fullname, role } = organization
  return (
    <Row>
      <RowHead before={<Who kind="organization" name={fullname ?? name} />} description={fullname}>
        <a class="quiet" href={namespacePath(name)}>
          {name}
        </a>
      </RowHead>
      <Cell label="Your role">{role}</Cell>
      <Cell class="act">
        {role !== 'no_access' && (
          <a class="a" href={membersPath(name)}>
            Members of {name}
          </a>
        )}
      </Cell>
    </Row>
  )
}
