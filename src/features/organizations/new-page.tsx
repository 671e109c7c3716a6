/* Making an organization. */
import { Button, LinkButton } from '../../web/button.tsx'
import { PickField, TextField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem } from '../../web/notice.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'

/** Posts `name`, `fullname`, `defaultVisibility` to /organizations/new. */
export function NewOrganizationPage(props: { context: PageContext; form: FormState }) {
  const { form } = props
  return (
    <Page context={props.context} title="New organization" frame={{ kind: 'narrow' }}>
      <PageHead
        title="New organization"
        lede="A name that several people share. Its repositories belong to it and stay when a person leaves. You become its first admin."
      />
      <form class="panel p-4 grid gap-4" method="post" action="/organizations/new">
        <FormProblem form={form} />
        <TextField
          form={form}
          name="name"
          label="Name"
          required={true}
          maxlength={96}
          verbatim={true}
          help="Part of every address of its repositories. Letters, digits, hyphens."
        />
        <TextField form={form} name="fullname" label="Full name" optional={true} maxlength={100} />
        <PickField
          form={form}
          name="defaultVisibility"
          legend="New repositories are"
          columns={2}
          value="private"
          picks={[
            { value: 'private', label: 'private', help: 'Only members see them, unless said otherwise.' },
            { value: 'public', label: 'public', help: 'Everyone who reaches this hub sees them.' },
          ]}
        />
        <div class="flex flex-wrap gap-2">
          <Button look="primary">Create organization</Button>
          <LinkButton href="/">Cancel</LinkButton>
        </div>
      </form>
    </Page>
  )
}
