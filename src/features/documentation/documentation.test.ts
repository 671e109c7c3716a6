import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { json } from '../../access/reply.ts'
import { route } from '../../access/route.ts'
import { routes } from '../index.ts'
import { guideGroups, readGuide } from './guides.ts'
import { operationGroups } from './reference.ts'
import { rowsOfSchema } from './schema-rows.ts'

describe('guides', () => {
  const listed = guideGroups.flatMap(({ guides }) => guides.map(({ name }) => name))

  test('every text of docs/ that the build made a guide of is in the list, and no other', () => {
    const files = readdirSync(fileURLToPath(new URL('../../../dist/guides', import.meta.url)))
    expect(files.sort()).toEqual(listed.map((name) => `${name}.json`).sort())
  })

  test('each has a title, its words, and no heading of the first rank beside that of its page', async () => {
    for (const name of listed) {
      const guide = await readGuide(name)
      expect(guide?.title, name).toMatch(/\w/)
      expect(guide?.html.length, name).toBeGreaterThan(200)
      expect(guide?.html, name).not.toContain('<h1')
    }
  })

  // The attack: the name of a guide is a path into the disk of the hub.
  test.each(['../package', '..%2Fpackage', 'architecture', 'api', '', 'tokens.json', '__proto__', 'constructor'])(
    'story: %j reads no file',
    async (name) => {
      expect(await readGuide(name)).toBeNull()
    },
  )
})

describe('the API reference', () => {
  test('every route with a summary stands in exactly one group, under an address of its own', () => {
    const groups = operationGroups(routes)
    const shown = groups.flatMap(({ operations }) => operations.map(({ method, path }) => `${method} ${path}`))
    const described = routes
      .filter(({ definition }) => definition.summary !== undefined)
      .map(({ method, path }) => `${method} ${path}`)
    expect(shown.sort()).toEqual(described.sort())
    const pathsOf = (group: string) =>
      groups.filter(({ name }) => name === group).flatMap(({ operations }) => operations.map(({ path }) => path))
    expect(pathsOf('inference')).toContain('/v1/chat/completions')
    expect(pathsOf('inference')).toContain('/models/:namespace/:name')
    expect(pathsOf('xet').filter((path) => !path.startsWith('/cas/'))).toEqual(['/v1/telemetry'])
    for (const { name, operations } of groups) {
      expect(operations.length, name).toBeGreaterThan(0)
      expect(new Set(operations.map(({ id }) => id)).size, name).toBe(operations.length)
    }
  })

  test('what an operation needs, takes and answers', () => {
    const [operation] = operationGroups([
      route({
        method: 'POST',
        path: '/api/tokens/derive',
        surface: 'api',
        action: 'token.create',
        target: { on: 'instance' },
        summary: 'Makes one',
        body: z.object({ name: z.string().max(10), scopes: z.array(z.object({ entity: z.string() })).optional() }),
        answers: { 201: 'Made' },
        handle: async () => json({}),
      }),
    ]).flatMap(({ operations }) => operations)
    expect(operation).toMatchObject({
      action: 'token.create',
      query: [],
      body: [
        { name: 'name', type: 'string, at most 10 characters', isRequired: true },
        { name: 'scopes', type: 'list of object', isRequired: false },
        { name: 'scopes[].entity', type: 'string', isRequired: true },
      ],
      answers: [{ status: '201', text: 'Made' }],
    })
  })

  test.each([
    [z.object({ a: z.enum(['x', 'y']) }), '"x" | "y"'],
    [z.object({ a: z.int().min(1).max(9) }), 'integer, from 1, to 9'],
    [z.object({ a: z.union([z.string(), z.null()]) }), 'string | null'],
    [z.object({ a: z.literal(true) }), 'true'],
    [z.object({ a: z.unknown() }), 'anything'],
  ])('a field in words', (schema, words) => {
    expect(rowsOfSchema(z.toJSONSchema(schema))[0]?.type).toBe(words)
  })

  test('a schema that contains itself ends', () => {
    type Tree = { readonly children?: readonly Tree[] | undefined }
    const tree: z.ZodType<Tree> = z.object({ children: z.array(z.lazy(() => tree)).optional() })
    expect(rowsOfSchema(z.toJSONSchema(tree)).length).toBeLessThan(10)
  })
})
