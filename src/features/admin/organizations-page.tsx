/* The organizations of a hub for its administrators: how large they are, and how many seats they may have. */
import { namespacePath, withQuery } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { Empty } from '../../web/empty.tsx'
import { TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { Icon } from '../../web/icon.tsx'
import { Menu, MenuLink } from '../../web/menu.tsx'
import { MoreRows } from '../../web/more-rows.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { countWords, sizeWords } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import { Who } from '../../web/who.tsx'
import { mostCounted, type OrganizationRow } from './queries.ts'
import { SearchForm } from './search-form.tsx'

export const organizationsPath = hubSettingsPath('organizations')

export type SeatsDialog = { organization: string; limit: number | null; form: FormState } | null

/** Dialog at ?seats={organization}; posts `organization` and `limit` (empty: none) to /admin/organizations/seats. */
export function OrganizationsPage(props: {
  context: PageContext
  /** `stored` null: not counted yet. */
  organizations: readonly (OrganizationRow & { readonly stored: number | null })[]
  search: string
  olderHref: string | null
  firstHref: string | null
  dialog: SeatsDialog
}) {
  const { organizations, search } = props
  return (
    <HubSettingsPage
      context={props.context}
      title="Organizations of this hub"
      place="organizations"
      dialog={props.dialog && <SeatLimitDialog {...props.dialog} />}
    >
      <PageHead
        title="Organizations"
        lede="Their administrators run them. As an administrator of the hub you have no role in them, and can take one in an emergency, loudly."
      />
      <SearchForm
        action={organizationsPath}
        value={search}
        label="Search organizations"
        placeholder="Beginning of a name"
      />
      <section class="panel" aria-label="Organizations">
        {organizations.length === 0 ? (
          search === '' ? (
            <Empty icon="building-2" title="No organizations yet">
              Whoever has an account can make one, under New.
            </Empty>
          ) : (
            <Empty
              icon="building-2"
              title="None found"
              action={<LinkButton href={organizationsPath}>Clear the search</LinkButton>}
            >
              No organization has a name that begins like that.
            </Empty>
          )
        ) : (
          <Rows
            caption="Organizations of this hub"
            columns={[
              { label: 'Name' },
              { label: 'Members', class: 'text-end' },
              { label: 'Seats', class: 'text-end' },
              { label: 'Repositories', class: 'text-end' },
              { label: 'Stored', class: 'text-end' },
              { label: 'Since', class: 'text-end' },
              { label: 'Actions', silent: true },
            ]}
          >
            {organizations.map(({ name, fullname, members, seatLimit, repos, stored, createdAt }) => (
              <Row>
                <RowHead
                  description={fullname}
                  before={<Who kind="organization" name={fullname ?? name} size="small" />}
                >
                  <a class="font-medium" href={namespacePath(name)}>
                    {name}
                  </a>
                </RowHead>
                <Cell label="Members" class="text-end tabular-nums">
                  {bounded(members)}
                </Cell>
                <Cell label="Seats" class="text-end tabular-nums">
                  {seatLimit === null ? <span class="text-muted">no limit</span> : countWords(seatLimit)}
                </Cell>
                <Cell label="Repositories" class="text-end tabular-nums">
                  {bounded(repos)}
                </Cell>
                <Cell label="Stored" class="text-end tabular-nums">
                  {stored === null ? <span class="text-muted">not counted yet</span> : sizeWords(stored)}
                </Cell>
                <Cell label="Since" class="text-end">
                  <Time at={createdAt} />
                </Cell>
                <Cell label="Actions" class="text-end">
                  <Menu
                    id={`menu-${name}`}
                    buttonClass="icon-btn"
                    label={`Actions on ${name}`}
                    button={<Icon name="ellipsis-vertical" />}
                  >
                    <MenuLink href={withQuery(organizationsPath, { seats: name })} icon="users" dialog={true}>
                      Limit its seats
                    </MenuLink>
                    <MenuLink href={`/organizations/${encodeURIComponent(name)}/break-glass`} icon="triangle-alert">
                      Administer in an emergency
                    </MenuLink>
                  </Menu>
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </section>
      <MoreRows
        order={search === '' ? 'Newest first' : 'By name'}
        shown={organizations.length}
        olderHref={props.olderHref}
        firstHref={props.firstHref}
        olderWord={search === '' ? 'Older' : 'More'}
      />
    </HubSettingsPage>
  )
}

export function bounded(count: number): string {
  return count > mostCounted ? `${countWords(mostCounted)}+` : countWords(count)
}

function SeatLimitDialog({ organization, limit, form }: NonNullable<SeatsDialog>) {
  return (
    <Dialog
      title={`Seats of ${organization}`}
      closeHref={organizationsPath}
      action={`${organizationsPath}/seats`}
      submit={<Button look="primary">Save limit</Button>}
    >
      <FormProblem form={form} />
      <input type="hidden" name="organization" value={organization} />
      <TextField
        form={form}
        name="limit"
        label="How many people it may have"
        optional={true}
        digits={true}
        value={limit === null ? '' : String(limit)}
        autofocus={true}
        help="Empty: no limit. Service accounts take no seat. Whoever is a member stays one, also above the limit."
      />
    </Dialog>
  )
}
