/* Recomputes every contrast from app.css: text at least 4.5, edges at least 3.0, on each surface and on each colour's
   own tint, in both themes. A colour changed without looking at it fails here. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

type Oklab = { l: number; a: number; b: number }

const css = readFileSync(new URL('./app.css', import.meta.url), 'utf8')

function readTheme(name: string): Map<string, Oklab> {
  const start = css.indexOf(`name: "${name}"`)
  expect(start).toBeGreaterThan(0)
  const block = css.slice(start, css.indexOf('\n}', start))
  const colours = new Map<string, Oklab>()
  for (const [, key, lightness, chroma, hue] of block.matchAll(
    /--(?:color|hold)-([a-z0-9-]+):\s*oklch\(([\d.]+)%\s+([\d.]+)\s+([\d.]+)\)/g,
  )) {
    const angle = (Number(hue) * Math.PI) / 180
    const c = Number(chroma)
    colours.set(key ?? '', { l: Number(lightness) / 100, a: c * Math.cos(angle), b: c * Math.sin(angle) })
  }
  return colours
}

/** Linear sRGB; a value outside 0..1 is outside the screen's colours. */
function linearRgb({ l, a, b }: Oklab): [number, number, number] {
  const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
    -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
    -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z,
  ]
}

function luminance(colour: Oklab): number {
  const [r, g, b] = linearRgb(colour).map((part) => Math.min(1, Math.max(0, part))) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(one: Oklab, other: Oklab): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function mix(share: number, colour: Oklab, ground: Oklab): Oklab {
  const part = (of: keyof Oklab) => colour[of] * share + ground[of] * (1 - share)
  return { l: part('l'), a: part('a'), b: part('b') }
}

const surfaces = ['base-100', 'base-200', 'base-300']
const texts = ['base-content', 'muted', 'primary', 'secondary', 'accent', 'info', 'success', 'warning', 'error']
const filled = ['primary', 'secondary', 'accent', 'neutral', 'info', 'success', 'warning', 'error']
const grounds = ['add', 'add-word', 'del', 'del-word']

describe.each(['holdfast-light', 'holdfast-dark'])('%s', (theme) => {
  const colours = readTheme(theme)
  const get = (name: string): Oklab => {
    const colour = colours.get(name)
    if (!colour) throw new Error(`${theme} has no colour ${name}`)
    return colour
  }

  test('every colour lies inside sRGB', () => {
    for (const [name, colour] of colours) {
      for (const part of linearRgb(colour)) {
        expect(part, name).toBeGreaterThan(-0.002)
        expect(part, name).toBeLessThan(1.002)
      }
    }
  })

  test.each(texts)('%s can be read on every surface and on its own tint', (name) => {
    const colour = get(name)
    for (const surface of surfaces) expect(contrast(colour, get(surface)), surface).toBeGreaterThanOrEqual(4.5)
    expect(contrast(colour, mix(0.12, colour, get('base-100')))).toBeGreaterThanOrEqual(4.5)
  })

  test.each(filled)('words on solid %s can be read', (name) => {
    expect(contrast(get(`${name}-content`), get(name))).toBeGreaterThanOrEqual(4.5)
  })

  test('edges of fields are seen on every surface', () => {
    for (const surface of surfaces) expect(contrast(get('line-strong'), get(surface))).toBeGreaterThanOrEqual(3)
  })

  test('ink can be read on changed lines and words', () => {
    for (const ground of grounds) expect(contrast(get('base-content'), get(ground)), ground).toBeGreaterThanOrEqual(4.5)
    for (const ground of ['add', 'del']) expect(contrast(get('muted'), get(ground)), ground).toBeGreaterThanOrEqual(4.5)
  })
})

test('no colour is written outside the themes', () => {
  const rest = css.slice(css.lastIndexOf('@plugin'))
  const parts = rest.slice(rest.indexOf('\n}'))
  expect(parts).not.toMatch(/#[0-9a-f]{3,8}\b/i)
  // The two shadows and the veil behind a dialog are the only ones: dark at any theme.
  expect(parts.match(/oklch\((?!15% 0\.03 232)/g)).toBeNull()
})
