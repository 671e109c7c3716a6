/* What administrators of the hub say on every page: the form, and what runs or is to come. */
import { Badge } from '../../web/badge.tsx'
import { Button } from '../../web/button.tsx'
import { Empty } from '../../web/empty.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { HubSettingsPage } from '../../web/hub-settings-page.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { Cell, Row, RowHead, Rows } from '../../web/rows.tsx'
import { hubSettingsPath } from '../../web/settings-frame.tsx'
import { Time } from '../../web/time.tsx'
import type { AnnouncementRow } from './queries.ts'

export const announcementsPath = hubSettingsPath('announcements')
export const longestText = 300

export const lengths = [
  { value: '3600', label: 'an hour' },
  { value: '86400', label: 'a day' },
  { value: '604800', label: 'a week' },
  { value: '', label: 'until it is taken back' },
] as const

/** Posts `text`, `kind` and `seconds` to its own address, and `id` to /admin/announcements/remove. */
export function AnnouncementsPage(props: {
  context: PageContext
  announcements: readonly AnnouncementRow[]
  form: FormState
}) {
  return (
    <HubSettingsPage context={props.context} title="Announcements" place="announcements">
      <PageHead
        title="Announcements"
        lede="One line on top of every page, also for strangers and on the sign-in page. Everybody can close it for themselves."
      />
      <form class="panel grid gap-4 p-4" method="post" action={announcementsPath}>
        <FormProblem form={props.form} />
        <TextField
          form={props.form}
          name="text"
          label="What to say"
          required={true}
          maxlength={longestText}
          placeholder="On Friday from 18:00 UTC this hub is read-only for an hour."
          help="Anybody who reaches the hub reads it: nothing confidential."
        />
        <div class="grid gap-4 sm:grid-cols-2">
          <SelectField
            form={props.form}
            name="kind"
            label="How it looks"
            choices={[
              { value: 'info', label: 'a notice' },
              { value: 'warning', label: 'a warning' },
            ]}
          />
          <SelectField form={props.form} name="seconds" label="For how long" choices={lengths} value="86400" />
        </div>
        <div>
          <Button look="primary">Announce</Button>
        </div>
      </form>
      <SettingsSection id="current-h" title="Shown now">
        {props.announcements.length === 0 ? (
          <Empty icon="message-square" title="Nothing is announced">
            Planned work, a new rule, an outage that is being mended: what everybody should know.
          </Empty>
        ) : (
          <Rows
            caption="Announcements, newest first"
            columns={[
              { label: 'Announcement' },
              { label: 'Since', class: 'text-end' },
              { label: 'Until', class: 'text-end' },
              { label: 'Actions', silent: true },
            ]}
          >
            {props.announcements.map(({ id, text, kind, by, startsAt, endsAt }) => (
              <Row>
                <RowHead description={by === null ? null : `by ${by}`}>
                  {text} {kind === 'warning' && <Badge look="warning">warning</Badge>}
                </RowHead>
                <Cell label="Since" class="text-end">
                  <Time at={startsAt} />
                </Cell>
                <Cell label="Until" class="text-end">
                  {endsAt === null ? 'taken back' : <Time at={endsAt} />}
                </Cell>
                <Cell label="Actions" class="text-end">
                  <form method="post" action={`${announcementsPath}/remove`}>
                    <input type="hidden" name="id" value={id} />
                    <Button label={`Take back “${text.slice(0, 40)}”`}>Take back</Button>
                  </form>
                </Cell>
              </Row>
            ))}
          </Rows>
        )}
      </SettingsSection>
    </HubSettingsPage>
  )
}
