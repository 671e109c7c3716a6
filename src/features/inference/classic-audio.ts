/** Speech into text: the bytes of a recording, as OpenAI's API takes them, in a form. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { BackendFault } from './ask-backend.ts'
import { openAiAddress } from './backend.ts'
import { type ClassicBody, type Parts, read, unsupported } from './classic-parts.ts'
import type { Served } from './queries.ts'

const base64 = z.base64().min(1)
const asked = z.strictObject({
  /** Two letters, such as `en`. */
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .nullish(),
})
const transcribed = z.looseObject({ text: z.string() })
const kinds: readonly string[] = ['vllm', 'openai']

/** `body`: the bytes, or JSON with them as base64. */
export function transcription({ backends }: Served, repoName: string, body: ClassicBody | Buffer): Parts {
  if (!backends.every(({ kind }) => kinds.includes(kind))) {
    throw unsupported('Speech is taken by servers of the kinds "vllm" and "openai" alone, and this model has another.')
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(read(base64, body.inputs, 'inputs'), 'base64')
  const { language } = read(asked, (Buffer.isBuffer(body) ? null : body.parameters) ?? {}, 'parameters')
  const name = `audio.${endingOf(bytes)}`
  return {
    route: 'automatic-speech-recognition',
    questionFor: (backend) => {
      const fields = {
        model: backend.model ?? repoName,
        response_format: 'json',
        ...(language == null ? {} : { language }),
      }
      return { url: openAiAddress(backend, 'audio/transcriptions'), ...form(fields, name, bytes), isStream: false }
    },
    told: (value) => {
      const parsed = transcribed.safeParse(value)
      if (!parsed.success) throw new BackendFault('its answer has no text.')
      return { text: parsed.data.text }
    },
  }
}

/** By which the server knows how to read it; told by its first bytes. */
function endingOf(bytes: Buffer): string {
  const at = (from: number, to: number) => bytes.toString('latin1', from, to)
  if (at(0, 4) === 'RIFF' && at(8, 12) === 'WAVE') return 'wav'
  if (at(0, 4) === 'fLaC') return 'flac'
  if (at(0, 4) === 'OggS') return 'ogg'
  if (at(0, 4) === '\x1a\x45\xdf\xa3') return 'webm'
  if (at(4, 8) === 'ftyp') return 'm4a'
  const isFrame = bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0
  if (at(0, 3) === 'ID3' || isFrame) return 'mp3'
  throw unsupported('This is no recording that is known here: send wav, flac, ogg, webm, m4a or mp3.')
}

/** `multipart/form-data` (RFC 7578). The fields are checked names and words; the boundary stands in no file. */
function form(fields: Readonly<Record<string, string>>, name: string, bytes: Buffer): { body: Buffer; type: string } {
  const boundary = `holdfast-${randomBytes(24).toString('hex')}`
  const head = (disposition: string) => `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`
  const words = Object.entries(fields).map(
    ([field, value]) => `${head(`name="${field}"`)}\r\n${value.replace(/[\r\n]/g, ' ')}\r\n`,
  )
  const file = `${head(`name="file"; filename="${name}"`)}Content-Type: application/octet-stream\r\n\r\n`
  const body = Buffer.concat([Buffer.from(words.join('') + file), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { body, type: `multipart/form-data; boundary=${boundary}` }
}
