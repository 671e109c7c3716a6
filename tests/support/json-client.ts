/** Asks the interface of a hub as a script does: JSON in, status and JSON out. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  json<T>(): T
}

/** `credential`: the value of a token, a `Cookie` header, or none. */
export type Ask = (method: string, path: string, credential: string, body?: unknown) => Promise<Answer>

export function jsonClient(url: string): Ask {
  return async (method, path, credential, body) => {
    const known: Record<string, string> = credential.startsWith('hf_')
      ? { authorization: `Bearer ${credential}` }
      : credential === ''
        ? {}
        : { cookie: credential }
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...known, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }
}
