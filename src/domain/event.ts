/** The shape of a fact in the audit log, before it has an id. `data` holds what is particular to the action, never a secret. */
export interface EventData {
  readonly [key: string]: string | number | boolean | null | readonly string[] | EventData
}

/** Where a request came from; kept with its event. */
export interface Origin {
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

export const systemOrigin: Origin = { ip: null, userAgent: null, requestId: null }
