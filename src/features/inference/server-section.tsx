/* The form that adds or changes a server. */
import { repoId } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { SelectField, TextField } from '../../web/field.tsx'
import { formValue } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import { backendKinds, mostBackends } from './backend.ts'
import { kindTitles } from './server-form.ts'
import type { Placed } from './server-view.ts'

export function ServerSection({ embedded, servers, form, changing, madeFrom, here, repo }: Placed) {
  if (changing === null && servers.length >= mostBackends) {
    return (
      <p class="text-sm text-muted">At most {mostBackends} servers answer for a model. Remove one to add another.</p>
    )
  }
  const replacesHub = embedded.running !== null
  const keepsKey = changing?.hasSecret === true
  return (
    <SettingsSection
      id="server-h"
      title={changing !== null ? 'Change a server' : replacesHub ? 'Use a server instead' : 'Add a server'}
    >
      <form class="p-4 grid gap-4" method="post" action={changing === null ? here : `${here}/${changing.id}`}>
        <input type="hidden" name="madeFrom" value={madeFrom} />
        <FormProblem form={form} />
        {replacesHub && (
          <Notice kind="info" small={true} standing={true}>
            The hub runs this model itself. A server that is added here takes its place: the hub then sends calls there.
          </Notice>
        )}
        <div class="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
          <TextField
            form={form}
            name="url"
            label="Address"
            value={changing?.url ?? ''}
            required={true}
            maxlength={2_000}
            verbatim={true}
            placeholder="http://10.20.0.4:8000"
            help="Where it listens, with or without /v1. Private addresses are for the administrator of this hub to let through."
          />
          <SelectField
            form={form}
            name="kind"
            label="What runs there"
            value={changing?.kind ?? 'vllm'}
            choices={backendKinds.map((kind) => ({ value: kind, label: kindTitles[kind] }))}
          />
        </div>
        <div class="grid gap-4 sm:grid-cols-[minmax(0,1fr)_14rem]">
          <TextField
            form={form}
            name="model"
            label="Called there as"
            value={changing?.model ?? ''}
            optional={true}
            maxlength={200}
            verbatim={true}
            placeholder={repoId(repo)}
            help={`What the server calls the model. Without one: ${repoId(repo)}.`}
          />
          <TextField
            form={form}
            name="weight"
            label="Weight"
            value={String(changing?.weight ?? 1)}
            maxlength={3}
            digits={true}
            help="How often it is asked, beside the others; 1 to 100."
          />
        </div>
        <div class="grid gap-2">
          <TextField
            form={form}
            name="secret"
            label="Key of the server"
            type="password"
            optional={true}
            maxlength={4_000}
            autocomplete="new-password"
            help={
              keepsKey
                ? 'A key is held. Left empty it stays, as long as address, kind and name do.'
                : 'Sent to the server as Authorization: Bearer. It is kept encrypted and never shown again.'
            }
          />
          {keepsKey && (
            <label class="flex items-start gap-2 text-sm">
              <input
                class="checkbox checkbox-sm"
                type="checkbox"
                name="noSecret"
                value="yes"
                checked={formValue(form, 'noSecret') === 'yes'}
              />
              Take the key away: this server asks for none
            </label>
          )}
        </div>
        <div class="flex flex-wrap gap-2">
          <Button look={replacesHub ? 'line' : 'primary'} icon={changing === null ? 'plus' : 'check'}>
            {changing !== null ? 'Save server' : replacesHub ? 'Use a server instead' : 'Add server'}
          </Button>
          {changing !== null && <LinkButton href={here}>Cancel</LinkButton>}
        </div>
      </form>
    </SettingsSection>
  )
}
