/** JSON over HTTP, for tests that say method, path, who and what. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  json<T>(): T
}

export type Ask = (method: string, path: string, token: string | null, body?: unknown) => Promise<Answer>

export function asker(test: { readonly url: string }): Ask {
  return async (method, path, token, body) => {
    const response = await fetch(`${test.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }
}

/** The path and query that the `Link` header leads to; null on the last page. */
export function nextOf(answer: Answer): string | null {
  const address = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1]
  return address === undefined ? null : address.slice(new URL(address).origin.length)
}
