/** Asks a hub over HTTP, with a token, with a session or as a stranger. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  json<T>(): T
}

export interface Asking {
  readonly token?: string
  /** A whole `Cookie` header. */
  readonly cookie?: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

export type Ask = (method: string, path: string, how?: Asking) => Promise<Answer>

/** Redirects are not followed. */
export function asking({ url }: { readonly url: string }): Ask {
  return async (method, path, how = {}) => {
    const headers = new Headers(how.headers)
    if (how.token !== undefined) headers.set('authorization', `Bearer ${how.token}`)
    if (how.cookie !== undefined) headers.set('cookie', how.cookie)
    if (how.body !== undefined) headers.set('content-type', 'application/json')
    const body =
      how.body !== undefined ? JSON.stringify(how.body) : how.form === undefined ? null : new URLSearchParams(how.form)
    const response = await fetch(new URL(path, url), { method, headers, redirect: 'manual', body })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T }
  }
}
