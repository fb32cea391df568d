import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, it } from 'vitest'
import { digestOf } from '../oci/digest.ts'
import { VerifyStream } from './verify-stream.ts'

const BYTES = Buffer.from('the content')
const CONTENT = { digest: digestOf(BYTES), size: BYTES.length }

async function verify(chunks: readonly Buffer[]): Promise<string> {
  let received = ''
  const sink = new Writable({ write: (chunk: Buffer, _, done) => ((received += chunk.toString()), done()) })
  await pipeline(Readable.from(chunks), new VerifyStream(CONTENT), sink)
  return received
}

it('passes the described bytes through, however they are cut', async () => {
  expect(await verify([BYTES.subarray(0, 3), BYTES.subarray(3)])).toBe('the content')
})

it.each([
  ['a byte too many', [BYTES, Buffer.from('!')], 'SIZE_MISMATCH'],
  ['a byte too few', [BYTES.subarray(1)], 'SIZE_MISMATCH'],
  ['a wrong byte', [Buffer.from('The content')], 'DIGEST_MISMATCH'],
])('fails for %s', async (_, chunks, code) => {
  await expect(verify(chunks)).rejects.toMatchObject({ code })
})

it('holds back the end of wrong content, so that nothing after it can look complete', async () => {
  const passed: Buffer[] = []
  const sink = new Writable({ write: (chunk: Buffer, _, done) => (passed.push(chunk), done()) })
  const wrong = Buffer.from('the conTent')

  const verified = pipeline(Readable.from([wrong.subarray(0, 5), wrong.subarray(5)]), new VerifyStream(CONTENT), sink)

  await expect(verified).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  expect(Buffer.concat(passed).toString()).toBe('the c')
})

it('knows the digest of nothing', async () => {
  const empty = { digest: digestOf(Buffer.alloc(0)), size: 0 }
  const other = { digest: CONTENT.digest, size: 0 }

  await pipeline(Readable.from([]), new VerifyStream(empty), new Writable())
  await expect(pipeline(Readable.from([]), new VerifyStream(other), new Writable())).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  })
})
