/* How to call a model that servers, or the hub itself, answer for: at this hub's address, with the clients that people have. */
import { type RepoAddress, repoId, repoPath } from '../../web/address.ts'
import { Snippet } from '../../web/snippet.tsx'
import {
  sampleBody,
  sampleContext,
  sampleLabels,
  sampleSentences,
  sampleText,
  type TextTask,
  type UsualCall,
} from '../inference/service.ts'

type HowToCallProps = {
  repo: RepoAddress
  by: UsualCall
  /** The hub's public URL, as programs must name it. */
  publicUrl: string
}

export function HowToCall(props: HowToCallProps) {
  return (
    <>
      <div class="grid grid-cols-[minmax(0,1fr)] gap-1.5">
        {snippets(props).map(({ title, label, code }, index) => (
          <details name="call" open={index === 0}>
            <summary class="text-sm py-1 font-medium">{title}</summary>
            <Snippet code={code} label={label} />
          </details>
        ))}
      </div>
      <p class="text-xs text-muted mt-2">
        With a{' '}
        <a class="a" href="/settings/tokens">
          token
        </a>{' '}
        of the role read or write, or a fine-grained one that may call models (<code>inference.serverless.write</code>).
      </p>
    </>
  )
}

interface Code {
  readonly title: string
  readonly label: string
  readonly code: string
}

const curlCode = (code: readonly string[]): Code => ({
  title: 'curl',
  label: 'curl command',
  code: code.join(' \\\n  '),
})
const openAiCode = (code: string): Code => ({ title: 'openai', label: 'Python code with openai', code })
const clientCode = (code: string): Code => ({
  title: 'InferenceClient',
  label: 'Python code with huggingface_hub',
  code: `import os\nfrom huggingface_hub import InferenceClient\n\n${code}`,
})
const token = 'os.environ["HF_TOKEN"]'
const authorization = '-H "Authorization: Bearer $HF_TOKEN"'

/** Nothing in them is a stranger's but the name of the repo, whose letters are few, and the mask, which is a word in brackets. */
function snippets(props: HowToCallProps): Code[] {
  const { by } = props
  switch (by.way) {
    case 'chat':
    case 'completion':
    case 'embedding':
      return openAiSnippets(props, by.way)
    case 'image-classification':
      return imageSnippets(addressOf(props, by.way))
    case 'any':
      return [anyTask(addressOf(props, '$TASK'))]
    default: {
      const address = addressOf(props, by.way)
      const body = JSON.stringify(sampleBody(by.way, by.mask))
      return [curlCode(posted(address, body)), clientCode(clientCall(address, { way: by.way, mask: by.mask }))]
    }
  }
}

/** With the task in it: then it says itself what is asked, whatever stands in the card. */
function addressOf({ repo, publicUrl }: HowToCallProps, task: string): string {
  return `${publicUrl}/models${repoPath(repo)}/pipeline/${task}`
}

function posted(address: string, body: string): string[] {
  return [`curl ${address}`, authorization, '-H "Content-Type: application/json"', `-d '${body}'`]
}

function openAiSnippets(props: HowToCallProps, way: 'chat' | 'completion' | 'embedding'): Code[] {
  const { repo, publicUrl, by } = props
  const id = repoId(repo)
  const text = way === 'completion' ? sampleText('text-generation', by.mask) : 'Hello'
  const openai = `import os\nfrom openai import OpenAI\n\nclient = OpenAI(base_url="${publicUrl}/v1", api_key=${token})\n`
  const chatClient = `client = InferenceClient(base_url="${publicUrl}/v1", api_key=${token})\n`
  switch (way) {
    case 'chat': {
      const messages = `[{"role": "user", "content": "${text}"}]`
      return [
        curlCode(posted(`${publicUrl}/v1/chat/completions`, `{"model": "${id}", "messages": ${messages}}`)),
        openAiCode(`${openai}client.chat.completions.create(\n    model="${id}",\n    messages=${messages},\n)`),
        clientCode(`${chatClient}client.chat_completion(\n    ${messages},\n    model="${id}",\n)`),
      ]
    }
    case 'completion':
      return [
        curlCode(posted(`${publicUrl}/v1/completions`, `{"model": "${id}", "prompt": "${text}"}`)),
        openAiCode(`${openai}client.completions.create(model="${id}", prompt="${text}")`),
        clientCode(
          `${clientOf(addressOf(props, 'text-generation'))}client.text_generation("${text}", max_new_tokens=50)`,
        ),
      ]
    case 'embedding':
      return [
        curlCode(posted(`${publicUrl}/v1/embeddings`, `{"model": "${id}", "input": "${text}"}`)),
        openAiCode(`${openai}client.embeddings.create(model="${id}", input="${text}")`),
        clientCode(`${clientOf(addressOf(props, 'feature-extraction'))}client.feature_extraction("${text}")`),
      ]
  }
}

function imageSnippets(address: string): Code[] {
  return [
    curlCode([`curl ${address}`, authorization, '-H "Content-Type: image/jpeg"', '--data-binary @photo.jpg']),
    clientCode(`${clientOf(address)}client.image_classification("photo.jpg")`),
  ]
}

/** Whoever calls it has to know what it is for. */
function anyTask(address: string): Code {
  const { code, ...rest } = curlCode(posted(address, '{"inputs": "Hello"}'))
  return { ...rest, code: `TASK=text-classification # or what it is for\n${code}` }
}

function clientOf(address: string): string {
  return `client = InferenceClient(\n    model="${address}",\n    token=${token},\n)\n`
}

/** The method of each task, with what its body has. */
function clientCall(address: string, { way, mask }: { way: TextTask; mask: string }): string {
  const text = JSON.stringify(sampleText(way, mask))
  const others: Readonly<Partial<Record<TextTask, string>>> = {
    'sentence-similarity': `${text}, other_sentences=${JSON.stringify(sampleSentences)}`,
    'zero-shot-classification': `${text}, candidate_labels=${JSON.stringify(sampleLabels)}`,
    'question-answering': `question=${text}, context=${JSON.stringify(sampleContext)}`,
  }
  return `${clientOf(address)}client.${way.replaceAll('-', '_')}(${others[way] ?? text})`
}
