import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryOf, readMultipart } from './multipart.ts'

const limits = { bodyLimit: 1_000_000, partLimit: 10 }

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function partsOf(bytes: Buffer, boundary: string, size = 7, bounds = limits) {
  const parts: { name: string; fileName: string | null; text: string }[] = []
  for await (const { name, fileName, bytes: content } of readMultipart(inPieces(bytes, size), boundary, bounds)) {
    const pieces: Buffer[] = []
    for await (const piece of content) pieces.push(Buffer.from(piece))
    parts.push({ name, fileName, text: Buffer.concat(pieces).toString('latin1') })
  }
  return parts
}

describe('a form with files', () => {
  test('is read as any client writes it, however the network cuts it', async () => {
    const content = fc.array(fc.constantFrom('\r\n', '--', '--b', '\r\n--', 'x', '\r', '\n', '\0', 'é'), {
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 4 }), fc.integer({ min: 1, max: 30 }), async (contents, size) => {
        const form = new FormData()
        const sent = contents.map((pieces) => pieces.join('').toWellFormed())
        for (const [index, text] of sent.entries()) form.append('files', new Blob([text]), `a "${index}"\r\nü.txt`)
        form.append('last', 'word')
        const request = new Request('http://localhost', { method: 'POST', body: form })
        const bytes = Buffer.from(await request.arrayBuffer())
        const parts = await partsOf(bytes, boundaryOf(request.headers.get('content-type')), size)
        expect(parts).toEqual([
          ...sent.map((text, index) => ({
            name: 'files',
            fileName: `a "${index}"\r\nü.txt`,
            text: Buffer.from(text).toString('latin1'),
          })),
          { name: 'last', fileName: null, text: 'word' },
        ])
      }),
      { numRuns: 60 },
    )
  })

  test('a part that nobody reads is passed over', async () => {
    const form = new FormData()
    form.append('a', new Blob(['x'.repeat(1_000)]), 'a')
    form.append('b', '2')
    const request = new Request('http://localhost', { method: 'POST', body: form })
    const names: string[] = []
    const bytes = inPieces(Buffer.from(await request.arrayBuffer()), 64)
    for await (const { name } of readMultipart(bytes, boundaryOf(request.headers.get('content-type')), limits))
      names.push(name)
    expect(names).toEqual(['a', 'b'])
  })

  /* Bodies made by hand: without an end, without names, with heads and parts without end. */
  test('what is broken or too much is refused in words', async () => {
    const code = async (body: string, bounds = limits) =>
      partsOf(Buffer.from(body), 'b', 50, bounds).then(
        () => 'read',
        (error: { code: string }) => error.code,
      )
    const head = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n'
    expect(await code(`${head}x\r\n--b--\r\n`)).toBe('read')
    expect(await code('')).toBe('bad_request')
    expect(await code('no form at all')).toBe('bad_request')
    expect(await code(`${head}x`)).toBe('bad_request')
    expect(await code('--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--')).toBe('bad_request')
    expect(await code(`--b\r\n${'x'.repeat(20_000)}\r\n\r\nx\r\n--b--`)).toBe('bad_request')
    expect(await code(`${`${head}x\r\n`.repeat(11)}--b--`)).toBe('bad_request')
    expect(await code(`${head}${'x'.repeat(600)}\r\n--b--`, { ...limits, bodyLimit: 500 })).toBe('body_too_large')
    expect(() => boundaryOf('application/json')).toThrow()
    expect(() => boundaryOf(null)).toThrow()
    expect(boundaryOf('multipart/form-data; charset=utf-8; boundary="a b"')).toBe('a b')
  })
})
