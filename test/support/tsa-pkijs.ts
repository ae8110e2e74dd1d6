// Timestamp tokens by pkijs, which shares no code with ours: an oracle for what our DER reader must understand.
import { createHash, webcrypto } from 'node:crypto';
import { Integer, ObjectIdentifier, OctetString, Sequence, UTCTime } from 'asn1js';
import {
  Accuracy,
  AlgorithmIdentifier,
  Attribute,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  GeneralName,
  IssuerAndSerialNumber,
  MessageImprint,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
  TSTInfo,
} from 'pkijs';
import type { TestCertificate } from './certificate.ts';
import { ATTRIBUTES, TST_INFO } from './tsa.ts';

export interface PkijsTokenOptions {
  /** Must have the hash of `hash`; how webcrypto names the algorithm of the signer's key. */
  readonly algorithm: webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams;
  readonly hash: 'SHA-256' | 'SHA-384' | 'SHA-512';
  readonly time: Date;
  /** Lets pkijs write the content in pieces, which is BER and not DER. */
  readonly inPieces?: boolean;
}

const HASH_OIDS = {
  'SHA-256': '2.16.840.1.101.3.4.2.1',
  'SHA-384': '2.16.840.1.101.3.4.2.2',
  'SHA-512': '2.16.840.1.101.3.4.2.3',
} as const;

/** A TimeStampToken over a message with all optional fields but extensions. */
export async function stampWithPkijs(
  signer: TestCertificate,
  message: Uint8Array,
  options: PkijsTokenOptions,
): Promise<Buffer> {
  const certificates = signer.chain.map((der) => Certificate.fromBER(der));
  const [certificate] = certificates;
  if (certificate === undefined) throw new TypeError('the signer has no certificate');
  const info = createInfo(certificate, message, options).toSchema().toBER();
  const eContent = new OctetString({ valueHex: info });
  const encapContentInfo = new EncapsulatedContentInfo({ eContentType: TST_INFO, eContent });
  // The constructor puts content into pieces.
  if (options.inPieces !== true) encapContentInfo.eContent = eContent;
  const signed = new SignedData({
    version: 3,
    encapContentInfo,
    signerInfos: [createSigner(certificate, signer.der, info, options)],
    certificates,
  });
  const key = await webcrypto.subtle.importKey(
    'pkcs8',
    signer.key.privateKey.export({ format: 'der', type: 'pkcs8' }),
    options.algorithm,
    false,
    ['sign'],
  );
  await signed.sign(key, 0, options.hash);
  const content = new ContentInfo({
    contentType: ContentInfo.SIGNED_DATA,
    content: signed.toSchema(true),
  });
  return Buffer.from(content.toSchema().toBER());
}

function createInfo(
  certificate: Certificate,
  message: Uint8Array,
  { hash, time }: PkijsTokenOptions,
): TSTInfo {
  return new TSTInfo({
    version: 1,
    policy: '1.2.3.4.1',
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: HASH_OIDS[hash] }),
      hashedMessage: new OctetString({ valueHex: digest(hash, message) }),
    }),
    serialNumber: new Integer({ value: 1 }),
    genTime: time,
    accuracy: new Accuracy({ seconds: 2, millis: 3, micros: 4 }),
    ordering: true,
    nonce: new Integer({ value: 5 }),
    tsa: new GeneralName({ type: 4, value: certificate.subject }),
  });
}

function createSigner(
  certificate: Certificate,
  der: Uint8Array,
  info: ArrayBuffer,
  { hash, time }: PkijsTokenOptions,
): SignerInfo {
  const id = new Sequence({ value: [new OctetString({ valueHex: digest('SHA-256', der) })] });
  const attributes = [
    [ATTRIBUTES.contentType, new ObjectIdentifier({ value: TST_INFO })],
    [ATTRIBUTES.signingTime, new UTCTime({ valueDate: time })],
    [ATTRIBUTES.messageDigest, new OctetString({ valueHex: digest(hash, new Uint8Array(info)) })],
    [ATTRIBUTES.signingCertificateV2, new Sequence({ value: [new Sequence({ value: [id] })] })],
  ].map(([type, value]) => new Attribute({ type: type as string, values: [value] }));
  const encoded = (attribute: Attribute): Buffer => Buffer.from(attribute.toSchema().toBER());
  return new SignerInfo({
    version: 1,
    sid: new IssuerAndSerialNumber({
      issuer: certificate.issuer,
      serialNumber: certificate.serialNumber,
    }),
    signedAttrs: new SignedAndUnsignedAttributes({
      type: 0,
      // pkijs writes them as they come; DER has them in order.
      attributes: attributes.sort((one, other) => Buffer.compare(encoded(one), encoded(other))),
    }),
  });
}

function digest(hash: keyof typeof HASH_OIDS, bytes: Uint8Array): ArrayBuffer {
  const found = createHash(hash.replace('-', '')).update(bytes).digest();
  return Uint8Array.from(found).buffer;
}
