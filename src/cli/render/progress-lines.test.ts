import { describe, expect, it } from 'vitest'
import { startProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { progressLines } from './progress-lines.ts'
import { createStyle } from './style.ts'

const MiB = 1024 * 1024
const STYLE = createStyle({ hasColor: false, hasUnicode: false })

function copying(images: number): Progress {
  return {
    ...startProgress(),
    phase: 'transfer',
    images: 12,
    copied: 3,
    failed: 1,
    toFetch: 200 * MiB,
    fetched: 50 * MiB,
    mounted: 3 * MiB,
    running: new Map(
      Array.from({ length: images }, (_, index) => [
        `mirror.example:5000/ocp/openshift-release-dev/component-${index}:v1`,
        { origin: 'x', total: 10 * MiB, done: 4 * MiB },
      ]),
    ),
  }
}

describe('progressLines', () => {
  it('shows bytes, rate, time left and a line for each running image', () => {
    const lines = progressLines(copying(2), { columns: 100, rows: 24, style: STYLE, rate: 10 * MiB })

    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "##########------------------------------   25 %  50.0 MiB of 200.0 MiB  10.0 MiB/s  15.0s left
      images 4 of 12, 1 failed, fetched 50.0 MiB, mounted 3.0 MiB, there already 0 B
        mirror.example:5000/ocp/openshift-release-dev/component-0:v1                     40 %    10.0 MiB
        mirror.example:5000/ocp/openshift-release-dev/component-1:v1                     40 %    10.0 MiB"
    `)
  })

  it.each([20, 30, 47, 60, 80, 200])('fits into %i columns', (columns) => {
    const lines = progressLines(copying(3), { columns, rows: 24, style: STYLE, rate: 10 * MiB })

    expect(lines.filter((line) => line.length >= columns)).toEqual([])
    expect(lines).toHaveLength(5)
  })

  it('leaves out images for which a low terminal has no rows', () => {
    const lines = progressLines(copying(10), { columns: 80, rows: 8, style: STYLE, rate: undefined })

    expect(lines).toHaveLength(7)
    expect(lines.at(-1)).toBe('  and 6 more')
  })

  it('says how far the search for images is', () => {
    const progress: Progress = { ...startProgress(), phase: 'collect', collected: 3, toCollect: 8 }

    expect(progressLines(progress, { columns: 80, rows: 24, style: STYLE, rate: undefined })).toEqual([
      'finding images  3 of 8',
    ])
  })

  it('shows a full bar where nothing is to fetch', () => {
    const progress = { ...copying(0), toFetch: 0, fetched: 0 }

    const [line] = progressLines(progress, { columns: 80, rows: 24, style: STYLE, rate: 0 })

    expect(line).toMatch(/^#{40} {2}100 %/)
  })
})
