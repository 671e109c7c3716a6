import { expect, test } from 'vitest'
import { makeLogger } from '../../platform/log/logger.ts'
import { renderCard } from './render-card.ts'

const log = makeLogger({ level: 'silent' })
const place = { repoPath: '/acme/m1', revision: 'main', origin: 'https://hub.example' }
const render = (oid: string, markdown: string) => renderCard(log, oid, place, async () => markdown)

test('a card is rendered once for everybody who asks, and remembered', async () => {
  let reads = 0
  const read = async () => {
    reads++
    return '# hi'
  }
  const cards = await Promise.all([1, 2, 3].map(() => renderCard(log, 'one', place, read)))
  cards.push(await renderCard(log, 'one', place, read))
  expect(cards).toEqual(new Array(4).fill({ kind: 'html', html: '<h2 id="card-hi">hi</h2>\n' }))
  expect(reads).toBe(1)
  expect(await renderCard(log, 'one', { ...place, revision: 'dev' }, read)).toMatchObject({ kind: 'html' })
  expect(reads).toBe(2)
})

test('a text that holds up the parser costs its worker, not the hub and not the next card', async () => {
  const startedAt = performance.now()
  let longestLag = 0
  let last = startedAt
  const watch = setInterval(() => {
    longestLag = Math.max(longestLag, performance.now() - last - 10)
    last = performance.now()
  }, 10)
  const [slow, next] = await Promise.all([render('slow', '*a_'.repeat(30_000)), render('next', 'fine')])
  clearInterval(watch)
  expect(slow).toEqual({ kind: 'plain', why: 'slow' })
  expect(next.kind).toBe('html')
  expect(performance.now() - startedAt).toBeLessThan(9_000)
  expect(longestLag).toBeLessThan(500)
  // It is not tried again at once.
  const again = performance.now()
  expect(await render('slow', 'never read')).toEqual({ kind: 'plain', why: 'slow' })
  expect(performance.now() - again).toBeLessThan(100)
})

test('nested without end, and longer than a page may be', async () => {
  expect((await render('nested', '>'.repeat(20_000))).kind).toBe('plain')
  expect((await render('long', '& '.repeat(410_000))).kind).toBe('plain')
})
