/* How to call a model that servers answer for: at this hub's address, with the clients that people have. */
import { type RepoAddress, repoId, repoPath } from '../../web/address.ts'
import { Snippet } from '../../web/snippet.tsx'
import type { UsualCall } from '../inference/service.ts'

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

function snippets({ repo, by, publicUrl }: HowToCallProps) {
  const id = repoId(repo)
  const isChat = by === 'chat'
  const body = isChat
    ? `{"model": "${id}", "messages": [{"role": "user", "content": "Hello"}]}`
    : `{"model": "${id}", "input": "Hello"}`
  const curl = [
    `curl ${publicUrl}/v1/${isChat ? 'chat/completions' : 'embeddings'} \\`,
    '  -H "Authorization: Bearer $HF_TOKEN" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${body}'`,
  ]
  const openai = [
    'import os\nfrom openai import OpenAI\n',
    `client = OpenAI(base_url="${publicUrl}/v1", api_key=os.environ["HF_TOKEN"])`,
    isChat
      ? `client.chat.completions.create(\n    model="${id}",\n    messages=[{"role": "user", "content": "Hello"}],\n)`
      : `client.embeddings.create(model="${id}", input="Hello")`,
  ]
  const huggingFace = [
    'import os\nfrom huggingface_hub import InferenceClient\n',
    ...(isChat
      ? [
          `client = InferenceClient(base_url="${publicUrl}/v1", api_key=os.environ["HF_TOKEN"])`,
          `client.chat_completion(\n    [{"role": "user", "content": "Hello"}],\n    model="${id}",\n)`,
        ]
      : [
          `client = InferenceClient(\n    model="${publicUrl}/models${repoPath(repo)}",\n    token=os.environ["HF_TOKEN"],\n)`,
          'client.feature_extraction("Hello")',
        ]),
  ]
  return [
    { title: 'curl', label: 'curl command', code: curl.join('\n') },
    { title: 'openai', label: 'Python code with openai', code: openai.join('\n') },
    { title: 'InferenceClient', label: 'Python code with huggingface_hub', code: huggingFace.join('\n') },
  ]
}
