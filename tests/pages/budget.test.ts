/* What a page weighs on its way: HTML, styles and script of every page together, and the script of a page alone (issue of the web interface, "Must reach"). */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { assetUrl, findAsset } from '../../src/web/assets.ts'
import { samplePages } from './samples.tsx'

const mostOfPage = 60_000
const mostScript = 5_000

function weightOf(name: 'app.js' | 'styles.css'): number {
  const asset = findAsset(assetUrl(name).replace('/assets/', ''))
  if (asset === null) throw new Error(`${name} was not built.`)
  return gzipSync(readFileSync(asset.path)).length
}

const script = weightOf('app.js')
const styles = weightOf('styles.css')
const pages = samplePages((text) => text)

test('the script that every page has is at most 5 KB', () => {
  expect(script).toBeLessThanOrEqual(mostScript)
})

test.each([...pages.keys()])('%s with its styles and script is at most 60 KB', (name) => {
  const html = pages.get(name) ?? ''
  expect(gzipSync(html).length + styles + script).toBeLessThanOrEqual(mostOfPage)
  // Nothing else is asked for to show it, but the font that is kept for a year, and pictures.
  const scripts = [...html.matchAll(/<script[^>]*src="([^"]*)"/g)].map(([, src]) => src)
  // Editor and viewers may bring one of their own; it is none of the sixty.
  const ownScript = /^(?:edit|upload|blob|file)/.test(name) ? 1 : 0
  expect(scripts[0]).toBe(assetUrl('app.js'))
  expect(scripts.length).toBeLessThanOrEqual(1 + ownScript)
  expect([...html.matchAll(/<link rel="stylesheet" href="([^"]*)"/g)].map(([, href]) => href)).toEqual([
    assetUrl('styles.css'),
  ])
})
