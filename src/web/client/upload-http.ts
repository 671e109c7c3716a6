/* Requests of an upload: with progress, which `fetch` does not tell, with a way to stop them, and tried again where that may help. */

/** What the hub, or the network, said no with. */
export class Refusal extends Error {
  /** 0: nobody answered. */
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}

export type Sending = {
  method: 'POST' | 'PUT' | 'DELETE'
  address: string
  body?: Blob | string
  type?: string
  onBytes?: (sent: number) => void
  signal: AbortSignal
}

export type Answer = { text: string; header(name: string): string | null }

const waitsMs = [1_000, 3_000, 8_000]

/** Throws `Refusal`, and the signal's reason where it was stopped. */
export function send({ method, address, body, type, onBytes, signal }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const request = new XMLHttpRequest()
    const stop = (): void => request.abort()
    signal.addEventListener('abort', stop)
    request.open(method, address)
    request.setRequestHeader('accept', type === lfsType ? lfsType : 'application/json')
    if (type !== undefined) request.setRequestHeader('content-type', type)
    if (onBytes) request.upload.addEventListener('progress', (event) => onBytes(event.loaded))
    request.addEventListener('loadend', () => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason)
      else if (request.status >= 200 && request.status < 300) {
        resolve({ text: request.responseText, header: (name) => request.getResponseHeader(name) })
      } else reject(new Refusal(request.status, wordsOf(request)))
    })
    request.send(body ?? null)
  })
}

export const lfsType = 'application/vnd.git-lfs+json'

/** The same up to four times, where the network or the hub had a bad moment. */
export async function sendSurely(sending: Sending, onRetry: () => void = () => undefined): Promise<Answer> {
  for (const wait of waitsMs) {
    try {
      return await send(sending)
    } catch (error) {
      const mayHelp = error instanceof Refusal && (error.status === 0 || error.status === 429 || error.status >= 500)
      if (!mayHelp || error.status === 501 || error.status === 507) throw error
      onRetry()
      await pause(wait, sending.signal)
    }
  }
  return await send(sending)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

function wordsOf(request: XMLHttpRequest): string {
  if (request.status === 0) return 'The hub could not be reached.'
  if (request.status === 401) return 'You are no longer signed in. Sign in in another tab, then try again.'
  try {
    const { error, message } = JSON.parse(request.responseText) as { error?: unknown; message?: unknown }
    if (typeof error === 'string') return error
    if (typeof message === 'string') return message
  } catch {
    // Not every answer is ours, as that of a proxy on the way; its status says what there is to say.
    return `The hub answered ${request.status}.`
  }
  return `The hub answered ${request.status}.`
}
