/** Takes PEM text apart. Pure. */

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** Each certificate by itself, in one spelling, in the order of the text; what else there is, is left out. */
export function splitCertificates(text: string): string[] {
  return (text.match(CERTIFICATE) ?? []).map((block) => {
    const base64 = block.replaceAll(/-----[A-Z ]+-----|\s/g, '')
    return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`
  })
}
