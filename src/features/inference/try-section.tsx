/* A box to try a model, with the fields that its task asks for, and what it answers. */
import { Button } from '../../web/button.tsx'
import { SelectField, TextArea } from '../../web/field.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import { countWords } from '../../web/size.ts'
import { Snippet } from '../../web/snippet.tsx'
import type { Placed } from './server-view.ts'
import type { Tried } from './try-it.ts'
import { firstText, moreFor, wayWords } from './try-ways.ts'

export function TrySection(props: Placed) {
  const { imageAddress } = props.tried
  return (
    <SettingsSection id="try-h" title="Try it" help="Your call, written down as any other">
      {imageAddress === null ? <TryForm {...props} /> : <TryImage address={imageAddress} />}
    </SettingsSection>
  )
}

function TryForm({ tried, here, embedded }: Placed) {
  const { form, answer, ways, mask } = tried
  const [usual = 'chat'] = ways
  const more = moreFor(ways)
  return (
    <form class="p-4 grid gap-4" method="post" action={`${here}/try#try-h`}>
      <FormProblem form={form} />
      {ways.length === 1 ? (
        <input type="hidden" name="way" value={usual} />
      ) : (
        <div class="sm:max-w-80">
          <SelectField
            form={form}
            name="way"
            label="Send"
            value={usual}
            choices={ways.map((way) => ({ value: way, label: wayWords[way] }))}
          />
        </div>
      )}
      <TextArea
        form={form}
        name="text"
        label={usual === 'question-answering' ? 'Question' : 'Text'}
        rows={3}
        maxlength={4_000}
        value={firstText(usual, mask)}
        {...(usual === 'fill-mask' ? { help: `With ${mask} once, where the word is missing.` } : {})}
      />
      {more && (
        <TextArea
          form={form}
          name="more"
          label={more.label}
          rows={3}
          maxlength={4_000}
          value={more.sample}
          help={more.help}
          optional={ways.length > 1}
        />
      )}
      <div>
        <Button>Call the model</Button>
      </div>
      {answer && <Answer answer={answer} isEmbedded={embedded.running !== null} />}
    </form>
  )
}

function TryImage({ address }: { address: string }) {
  return (
    <div class="p-4 grid grid-cols-[minmax(0,1fr)] gap-2">
      <p class="text-sm text-muted">This model takes images. Send the bytes of one, with a token of yours:</p>
      <Snippet
        label="command that sends an image"
        code={[
          `curl ${address} \\`,
          '  -H "Authorization: Bearer $HF_TOKEN" \\',
          '  -H "Content-Type: image/jpeg" --data-binary @photo.jpg',
        ].join('\n')}
      />
    </div>
  )
}

function Answer({ answer, isEmbedded }: { answer: Tried; isEmbedded: boolean }) {
  const { tokensIn, tokensOut } = answer.counts
  const tokens =
    tokensIn === null && tokensOut === null
      ? isEmbedded
        ? 'How many tokens it took stands in the usage.'
        : 'The server did not say how many tokens it took.'
      : `${countWords(tokensIn ?? 0)} tokens in, ${countWords(tokensOut ?? 0)} out.`
  return (
    <div class="grid grid-cols-[minmax(0,1fr)] gap-1.5" role="status">
      <h3 class="text-sm font-semibold">It answers</h3>
      {answer.text === '' ? (
        <p class="text-sm text-muted">An empty text.</p>
      ) : (
        <p class="rounded-field bg-base-300 px-3 py-2 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]">
          {answer.text}
        </p>
      )}
      <p class="text-xs text-muted">
        {countWords(answer.tookMs)} ms. {tokens}
        {answer.isCut && ' Only the beginning of the answer is shown.'}
      </p>
    </div>
  )
}
