// PEM files of certificates.
import { describe, expect, it } from 'vitest';
import {
  decodePemCertificates,
  isPem,
  MAX_PEM_BYTES,
  MAX_PEM_CERTIFICATES,
} from '../../../agent/notation/encoding/pem.ts';
import { createCa } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';

const OPTIONS = { what: 'file', code: 'truststore_invalid' } as const;
const decode = (text: string): Uint8Array[] => decodePemCertificates(Buffer.from(text), OPTIONS);
const ca = createCa();
const leaf = ca.issue();
const block = (body: string): string =>
  `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;

describe('decodePemCertificates', () => {
  it('reads every block in order', () => {
    const blocks = decode(leaf.pem + ca.root.pem);
    expect(blocks.map((der) => Buffer.from(der))).toEqual([leaf.der, ca.root.der]);
  });

  it.each([
    ['text around blocks', `subject=CN\n${leaf.pem}\nissuer=CN\n`],
    ['CRLF', leaf.pem.replaceAll('\n', '\r\n')],
    ['spaces at the ends of lines', leaf.pem.replaceAll('\n', ' \n')],
    ['no line break at the end', leaf.pem.trim()],
    ['one long line', block(leaf.der.toString('base64'))],
  ])('accepts %s', (_, text) => {
    expect(decode(text).map((der) => Buffer.from(der))).toEqual([leaf.der]);
  });

  it.each([
    ['nothing', ''],
    ['text without a block', 'certificate'],
    ['a private key', `${leaf.pem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`],
    ['a block that is not closed', leaf.pem.replace('-----END CERTIFICATE-----', '')],
    ['a block inside a block', leaf.pem.replace('\n', `\n${leaf.pem}`)],
    ['an END without a BEGIN', `-----END CERTIFICATE-----\n${leaf.pem}`],
    ['four dashes', leaf.pem.replaceAll('-----', '----')],
    ['wrong base64', block('AB==')],
    ['headers', block('Proc-Type: 4,ENCRYPTED\n\nAAAA')],
    ['too many blocks', block('AAAA').repeat(MAX_PEM_CERTIFICATES + 1)],
    ['too many bytes', leaf.pem + ' '.repeat(MAX_PEM_BYTES)],
  ])('refuses %s', (_, text) => {
    expectCode(() => decode(text), 'truststore_invalid');
  });

  it('tells PEM from DER', () => {
    expect(isPem(Buffer.from(leaf.pem))).toBe(true);
    expect(isPem(leaf.der)).toBe(false);
  });
});
