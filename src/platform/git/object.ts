/** What git says of an object. */
export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag'

export interface ObjectInfo {
  oid: string
  type: ObjectType
  size: number
}

export interface ObjectContent extends ObjectInfo {
  bytes: Buffer
}
